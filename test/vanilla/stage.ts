import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws'
import { LiveWebSocket, type LiveWebSocketOptions, type UrlProvider } from '../../src/vanilla/live-web-socket.js'

export interface ServerSide {
  readonly url: string
  readonly received: (string | Buffer)[]
  readonly sockets: WebSocket[]
  readonly closes: { code: number; reason: string }[]
  readonly server: WebSocketServer
  close(): Promise<void>
}

/** A foreign server, stopped after the test. */
export async function serverSide(options: Partial<ServerOptions> = {}): Promise<ServerSide> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false, ...options })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const side: ServerSide = {
    url: `ws://127.0.0.1:${port}/`,
    received: [],
    sockets: [],
    closes: [],
    server,
    async close() {
      for (const client of server.clients) client.terminate()
      server.close()
    },
  }
  server.on('connection', (socket) => {
    side.sockets.push(socket)
    socket.on('message', (data: Buffer, binary) => side.received.push(binary ? data : String(data)))
    socket.on('close', (code, reason) => side.closes.push({ code, reason: String(reason) }))
  })
  onTestFinished(side.close)
  return side
}

/** A socket over the package ws with quick reconnections, and all its events in order. */
export function liveWebSocket(url: UrlProvider, protocols?: string | string[], options: LiveWebSocketOptions = {}) {
  const socket = new LiveWebSocket(url, protocols, { WebSocket, minReconnectionDelay: 0, ...options })
  const told: string[] = []
  socket.addEventListener('open', () => told.push('open'))
  socket.addEventListener('message', (event) => told.push(`message ${(event as MessageEvent).data}`))
  socket.addEventListener('error', () => told.push('error'))
  socket.addEventListener('close', (event) => {
    const { code, reason, wasClean } = event as CloseEvent
    told.push(`close ${code} ${reason}${wasClean ? ' clean' : ''}`)
  })
  onTestFinished(() => void socket.close())
  return { socket, told }
}

export const happened = (socket: EventTarget, type: string): Promise<Event> =>
  new Promise((resolve) => socket.addEventListener(type, resolve, { once: true }))
