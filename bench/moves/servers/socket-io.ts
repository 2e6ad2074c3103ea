import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { socketIo } from '../../../src/presets/socket-io.js'
import type { ForeignServer } from './server.js'

/** `socket.io`: a room; messages are identified by their packet ids. */
export async function start(): Promise<ForeignServer> {
  const http = createServer()
  const io = new Server(http, { connectionStateRecovery: {}, serveClient: false })
  io.on('connection', (socket) => {
    socket.on('join', (room: string, answer: () => void) => {
      void socket.join(room)
      answer()
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    port: (http.address() as AddressInfo).port,
    url: (port) => `ws://127.0.0.1:${port}/socket.io/`,
    protocol: socketIo({ join: (topic) => ['join', topic], leastOverlap: 100 }),
    topic: 'tick',
    numberIn: (data) => (data as number[])[0]!,
    tell: (number) => io.to('tick').emit('tick', number),
    askToMove: () => void io.local.emit('reconnect', { deadline: 20_000 }),
    async close() {
      http.closeAllConnections()
      await io.close()
    },
  }
}
