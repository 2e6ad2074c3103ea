import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { LiveSocketEvents } from '../../src/handover/events.js'
import type { LiveSocketOptions } from '../../src/options/options.js'
import { createLiveSocket } from '../../src/socket/whole-socket.js'
import type { Protocol } from '../../src/protocol/protocol.js'

/** A live socket that speaks a preset, and everything that it reported. */
export function speaking(url: LiveSocketOptions['url'], protocol: Protocol, options: Partial<LiveSocketOptions> = {}) {
  const socket = createLiveSocket({
    url,
    protocol,
    heartbeat: false,
    environment: { WebSocket },
    ...options,
    handover: { dwell: 0, ...options.handover },
  })
  const seen: unknown[] = []
  const invalid: string[] = []
  const asked: LiveSocketEvents['handover-requested'][] = []
  socket.on('invalid', ({ reason }) => invalid.push(reason))
  socket.on('handover-requested', (event) => asked.push(event))
  onTestFinished(() => socket.close())
  return {
    socket,
    seen,
    invalid,
    asked,
    follow(topic: string) {
      socket.subscribe(topic, (data) => seen.push(data))
      return this
    },
  }
}

/** A server whose frames the test writes: everything that each connection sent, and the connections. */
export async function scripted(
  say: (frame: string, socket: WebSocket, leg: number) => void,
  opened?: (socket: WebSocket, leg: number) => void,
  subprotocol?: string,
) {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: false,
    ...(subprotocol && { handleProtocols: () => subprotocol }),
  })
  await once(server, 'listening')
  const legs: { socket: WebSocket; received: string[] }[] = []
  const requests: (string | undefined)[] = []
  server.on('connection', (socket, request) => {
    requests.push(request.url)
    const received: string[] = []
    const leg = legs.push({ socket, received }) - 1
    socket.on('message', (data: Buffer) => {
      received.push(String(data))
      say(String(data), socket, leg)
    })
    opened?.(socket, leg)
  })
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    legs,
    requests,
    tell: (data: unknown) => server.clients.forEach((client) => client.send(JSON.stringify(data))),
  }
}

/** The numbers from the first one on, each once and in order. */
export const oneToLast = (numbers: readonly number[]) => Array.from(numbers, (_, at) => numbers[0]! + at)
