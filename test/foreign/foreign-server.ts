import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import type { RawProtocolOptions } from '../../src/foreign/raw.js'

/** How many messages are sent at a time at most: ten times as many as fall due in the 2 ms between two looks. */
const BURST = 20

/**
 * A common server: it numbers its messages, answers `ping`, and says `{"type":"reconnect"}` before it stops. It has
 * neither replay nor heads.
 */
export async function foreignServer(options: { perSecond?: number; exclusive?: boolean } = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  await once(server, 'listening')
  const received: (string | Buffer)[] = []
  let sent = 0
  server.on('connection', (socket: WebSocket) => {
    if (options.exclusive && server.clients.size > 1) return socket.close(4009, 'one at a time')
    socket.on('message', (data: Buffer, binary) => {
      const text = String(data)
      if (!binary && text === '{"type":"ping"}') socket.send('{"type":"pong"}')
      else received.push(binary ? data : text)
    })
  })
  const tell = (text: string | Buffer) => server.clients.forEach((client) => client.send(text))
  const began = performance.now()
  const timer =
    options.perSecond &&
    setInterval(() => {
      const due = ((performance.now() - began) * options.perSecond!) / 1000
      // A busy machine sends only what it can. If it made up for everything, the readers would fall behind for ever.
      for (let burst = 0; burst < BURST && sent < due; burst++) tell(JSON.stringify({ id: ++sent, text: 'tick' }))
    }, 2)
  return {
    port: (server.address() as AddressInfo).port,
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    tell,
    get sent() {
      return sent
    },
    clients: server.clients,
    askToMove: () => tell('{"type":"reconnect"}'),
    async close() {
      if (timer) clearInterval(timer)
      for (const client of server.clients) client.terminate()
      server.close()
      await once(server, 'close')
    },
  }
}

const parse = (data: unknown) => (typeof data === 'string' ? (JSON.parse(data) as { type?: string; id?: number }) : {})

/** The functions of `rawProtocol` for that server. */
export const words = {
  message: (data) =>
    typeof data !== 'string'
      ? { topic: 'ticks', data }
      : parse(data).id === undefined
        ? null
        : { topic: 'ticks', data: parse(data).id },
  handover: (data) => parse(data).type === 'reconnect',
} satisfies RawProtocolOptions

export const pings = {
  ping: () => '{"type":"ping"}',
  pong: (data) => parse(data).type === 'pong',
} satisfies Partial<RawProtocolOptions>
export const byIdentity = { identity: ({ data }) => String(data) } satisfies Partial<RawProtocolOptions>
export const byPosition = { position: ({ data }) => ({ offset: data as number }) } satisfies Partial<RawProtocolOptions>
