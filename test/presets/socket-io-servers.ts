import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type ServerOptions, type Socket } from 'socket.io'
import { onTestFinished } from 'vitest'

/** A real Socket.IO server, stopped after the test. */
export async function socketIoServer(
  options: Partial<ServerOptions> = {},
  connected: (socket: Socket) => void = () => {},
) {
  const http = createServer()
  const io = new Server(http, { connectionStateRecovery: {}, serveClient: false, ...options })
  // Joins the rooms that a client asks for, as most applications do.
  io.on('connection', (socket) => {
    socket.on('join', (room: string, answer: (said?: unknown) => void) => {
      if (room === 'secret') return answer({ error: 'not you' })
      void socket.join(room)
      answer()
    })
    socket.on('leave', (room: string) => void socket.leave(room))
    connected(socket)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const close = async () => {
    http.closeAllConnections()
    await io.close()
  }
  onTestFinished(close)
  return { io, http, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/socket.io/` }
}
