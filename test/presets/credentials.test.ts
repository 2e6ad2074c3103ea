import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { centrifuge } from '../../src/presets/centrifuge.js'
import { graphqlWs } from '../../src/presets/graphql-ws.js'
import { mqtt } from '../../src/presets/mqtt.js'
import { PACKET, writePacket, writeProperties } from '../../src/presets/mqtt-packets.js'
import { nats } from '../../src/presets/nats.js'
import { phoenix } from '../../src/presets/phoenix.js'
import { reconnectNotice } from '../../src/presets/reconnect-notice.js'
import { signalR } from '../../src/presets/signal-r.js'
import { socketIo } from '../../src/presets/socket-io.js'
import { trpc } from '../../src/presets/trpc.js'
import type { Protocol } from '../../src/protocol/protocol.js'
import { createLiveSocket } from '../../src/socket/whole-socket.js'
import { until } from '../server/kit.js'

/** How a server of one kind takes a token, refuses one, and answers everything else that a client sends. */
interface Kind {
  readonly protocol: () => Protocol
  /** What the server sends first on a connection. */
  readonly opens?: string | Buffer
  /** The token is in the URL of the handshake. */
  readonly inHandshake?: boolean
  /** Answers a frame. `good`: the token in the text is the valid one. */
  answer(text: string, bytes: Buffer, good: boolean, socket: WebSocket): void
  /** Whether the client sends the token in this frame, on each connection. */
  shows(text: string, bytes: Buffer): boolean
}

const json = (text: string) => JSON.parse(text) as Record<string, unknown>
const isMqtt = (bytes: Buffer, type: number) => bytes[0]! >> 4 === type
const never = () => false

const kinds: Readonly<Record<string, Kind>> = {
  reconnectNotice: {
    protocol: () => reconnectNotice(),
    shows: (text) => text.includes('"auth"'),
    answer(text, _bytes, good, socket) {
      if (text === '{"type":"ping"}') return socket.send('{"type":"pong"}')
      if (good) return
      socket.send('{"type":"error","code":"unauthorized","message":"no"}')
      socket.close(1008)
    },
  },
  trpc: {
    protocol: () => trpc(),
    shows: (text) => text.includes('connectionParams'),
    answer(text, _bytes, good, socket) {
      if (text === 'PING') return socket.send('PONG')
      if (good) return
      socket.send('{"id":null,"error":{"message":"no","data":{"code":"UNAUTHORIZED"}}}')
      socket.close()
    },
  },
  graphqlWs: {
    protocol: () => graphqlWs(),
    shows: (text) => text.includes('connection_init'),
    answer(text, _bytes, good, socket) {
      if (json(text)['type'] === 'ping') return socket.send('{"type":"pong"}')
      if (json(text)['type'] !== 'connection_init') return
      if (good) socket.send('{"type":"connection_ack"}')
      else socket.close(4403, 'Forbidden')
    },
  },
  phoenix: {
    protocol: () => phoenix({ leastOverlap: 0 }),
    inHandshake: true,
    shows: never,
    answer(text, _bytes, _good, socket) {
      const [joinRef, ref, topic] = JSON.parse(text) as unknown[]
      socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', { status: 'ok', response: {} }]))
    },
  },
  signalR: {
    protocol: () => signalR(),
    inHandshake: true,
    shows: never,
    answer(text, _bytes, _good, socket) {
      for (const record of text.split('\u001e').filter(Boolean)) {
        const { invocationId: id, protocol } = json(record)
        if (protocol !== undefined) socket.send('{}\u001e')
        else if (id !== undefined)
          socket.send(`${JSON.stringify({ type: 3, invocationId: id, error: 'no such method' })}\u001e`)
      }
    },
  },
  nats: {
    protocol: () => nats(),
    opens: Buffer.from('INFO {"server_id":"N"}\r\n'),
    shows: (text) => text.startsWith('CONNECT'),
    answer(text, _bytes, good, socket) {
      if (text.startsWith('CONNECT') && !good) {
        socket.send(Buffer.from("-ERR 'Authorization Violation'\r\n"))
        return socket.close()
      }
      if (text.includes('PING')) socket.send(Buffer.from('PONG\r\n'))
    },
  },
  socketIo: {
    protocol: () => socketIo({ leastOverlap: 0 }),
    opens: '0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}',
    shows: (text) => text.startsWith('40{'),
    answer(text, _bytes, good, socket) {
      if (text.startsWith('40/')) return socket.send('44/livesocket,{"message":"Invalid namespace"}')
      if (text.startsWith('40')) socket.send(good ? '40{"sid":"s"}' : '44{"message":"not authorized"}')
    },
  },
  mqtt: {
    protocol: () => mqtt({ leastOverlap: 0 }),
    shows: (_text, bytes) => isMqtt(bytes, PACKET.connect),
    answer(_text, bytes, good, socket) {
      if (isMqtt(bytes, PACKET.connect)) {
        socket.send(writePacket(PACKET.connack, 0, [[1, 0], [1, good ? 0 : 0x87], ...writeProperties([])]))
        if (!good) socket.close()
      }
      const answers = isMqtt(bytes, PACKET.subscribe)
        ? PACKET.suback
        : isMqtt(bytes, PACKET.unsubscribe)
          ? PACKET.unsuback
          : 0
      if (answers) socket.send(writePacket(answers, 0, [[2, bytes.readUInt16BE(2)], ...writeProperties([]), [1, 0]]))
      if (isMqtt(bytes, PACKET.pingreq)) socket.send(writePacket(PACKET.pingresp, 0, []))
    },
  },
  centrifuge: {
    protocol: () => centrifuge(),
    shows: (text) => text.includes('"connect"'),
    answer(text, _bytes, good, socket) {
      const { id, connect, ping } = json(text)
      if (connect && !good) return socket.send(JSON.stringify({ id, error: { code: 109, message: 'token expired' } }))
      socket.send(
        JSON.stringify({
          id,
          ...(connect ? { connect: { client: 'c', version: '6' } } : null),
          ...(ping ? { ping: {} } : null),
        }),
      )
    },
  },
}

/** A live client with the first of its tokens. The server may accept another token by now. */
async function stage(name: string, { protocol, opens, inHandshake = false, answer, shows }: Kind) {
  let good = 'first'
  let dials = 0
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    verifyClient: ({ req }: { req: { url?: string } }) => {
      dials++
      return !inHandshake || req.url!.includes(good)
    },
    handleProtocols: (offered) => [...offered][0] ?? false,
  })
  await once(server, 'listening')
  server.on('connection', (socket) => {
    if (opens) socket.send(opens)
    socket.on('message', (bytes: Buffer) => {
      const text = String(bytes)
      answer(text, bytes, !shows(text, bytes) || text.includes(good), socket)
    })
  })
  const told: string[] = []
  const calls: string[] = []
  let given = 'first'
  const socket = createLiveSocket({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    protocol: protocol(),
    getToken: async () => (calls.push(given), given),
    handover: { dwell: 0, overlapLimit: 200 },
    reconnect: { spread: 0 },
    heartbeat: false,
    environment: { WebSocket },
    debug: false,
  })
  socket.on('token-failed', () => told.push('token-failed'))
  socket.on('handover-failed', () => told.push('handover-failed'))
  socket.on('leg-closed', ({ by }) => by === 'server' && told.push('leg-closed'))
  onTestFinished(() => {
    socket.close()
    for (const client of server.clients) client.terminate()
    server.close()
  })
  socket.connect()
  await until(() => socket.store.getState().status === 'live', `${name}: live`)
  return {
    name,
    socket,
    told,
    calls,
    cut: () => server.clients.forEach((client) => client.terminate()),
    /** From now on the server accepts only `taken`, and the token service issues `served`. */
    change(taken: string, served = taken) {
      good = taken
      given = served
      dials = 0
    },
    dials: () => dials,
  }
}

type Staged = Awaited<ReturnType<typeof stage>>
const all = () => Promise.all(Object.entries(kinds).map(([name, kind]) => stage(name, kind)))
const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))
const status = ({ socket }: Staged) => socket.store.getState().status
/** So few dials that nobody could call them a loop, within the time that each test watches. */
const FEW = 8

/**
 * For `watched` ms no client has dialled in a loop, and each has reached the wanted state, then or later: machines can
 * be busy.
 */
async function settled(clients: readonly Staged[], watched: number, wanted: (client: Staged) => boolean) {
  await pause(watched)
  expect(clients.filter((client) => client.dials() > FEW).map(({ name }) => name)).toEqual([])
  for (const client of clients) await until(() => wanted(client), `${client.name} settles`)
}

it('keeps the open connection if the token has changed by the time of a handover, and does not loop: every preset', async () => {
  const clients = await all()
  for (const client of clients) client.change('second')
  for (const { socket } of clients) void socket.handover().catch(() => {})
  // The client has handed over with a new token, or has requested one, or has reported the refusal.
  await settled(
    clients,
    1_500,
    ({ socket, calls, told }) => socket.stats().handovers > 0 || calls.includes('second') || told.length > 0,
  )
  expect(clients.filter((client) => status(client) !== 'live').map(({ name }) => name)).toEqual([])
})

it('reconnects with the new token if the token changed during a break, or reports why it cannot, and does not loop: every preset', async () => {
  const clients = await all()
  for (const client of clients) {
    client.change('second')
    client.cut()
  }
  const back = (client: Staged) => status(client) === 'live' && client.calls.at(-1) === 'second'
  const tellsWhy = (client: Staged) => status(client) !== 'live' && client.socket.store.getState().lastError !== null
  const must = ['reconnectNotice', 'trpc', 'nats', 'socketIo', 'mqtt', 'centrifuge']
  await settled(clients, 2_500, (client) => back(client) || (!must.includes(client.name) && tellsWhy(client)))
})

it('closes with a clear reason if the server refuses every token: every preset', async () => {
  const clients = await all()
  for (const client of clients) {
    client.change('third', 'second')
    client.cut()
  }
  await settled(clients, 2_500, (client) => {
    const { lastError, closed } = client.socket.store.getState()
    return status(client) !== 'live' && (lastError !== null || closed !== null)
  })
})
