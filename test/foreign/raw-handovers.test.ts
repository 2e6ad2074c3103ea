import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { createRelay } from '../kit/relay.js'
import { createLiveSocket } from '../../src/socket/whole-socket.js'
import { rawProtocol, type RawProtocolOptions } from '../../src/foreign/raw.js'
import { createAccount } from '../kit/account.js'
import { until } from '../server/kit.js'
import { byIdentity, byPosition, foreignServer, pings, words } from './foreign-server.js'

// How many handovers of each kind. The docs quote a run with MOVES=100; with MOVES set the numbers are printed.
const MOVES = Number(process.env['MOVES'] ?? 50)

interface Kind {
  readonly name: string
  readonly protocol: RawProtocolOptions
  /** Round-trip time of the old leg, from the request to hand over on. */
  readonly oldPath: number
}

const kinds: Kind[] = [
  { name: 'by position, the old path slower', protocol: { ...words, ...pings, ...byPosition }, oldPath: 120 },
  { name: 'by position, the old path faster', protocol: { ...words, ...pings, ...byPosition }, oldPath: 5 },
  { name: 'by identity, the old path slower', protocol: { ...words, ...pings, ...byIdentity }, oldPath: 120 },
  { name: 'by identity, the old path faster', protocol: { ...words, ...pings, ...byIdentity }, oldPath: 5 },
]

/** A client over its own path that hands over whenever the server asks. */
async function client(port: number, { protocol, oldPath }: Kind) {
  const relay = createRelay({ target: { port }, delay: 50 })
  await relay.ready
  const socket = createLiveSocket<{ ticks: number }>({
    url: `ws://127.0.0.1:${relay.port}/`,
    protocol: rawProtocol(protocol),
    handover: { dwell: 0 },
    environment: { WebSocket },
  })
  const account = createAccount()
  let gaps = 0
  socket.subscribe('ticks', (id) => void account.arrived(id))
  socket.on('gap', () => gaps++)
  // The path of the old leg changes under load, so that messages under way are overtaken, or overtake others.
  socket.on('handover-started', () => relay.connections()[0]!.setDelay(oldPath))
  socket.connect()
  onTestFinished(async () => {
    socket.close()
    await relay.close()
  })
  return { socket, account, gaps: () => gaps }
}

it('nothing is lost, repeated or reordered in handovers at 1,000 messages a second and a round trip of 50 ms', {
  timeout: 300_000,
}, async () => {
  const server = await foreignServer({ perSecond: 1_000 })
  const clients = await Promise.all(kinds.map((kind) => client(server.port, kind)))
  for (const { socket, account } of clients)
    await until(() => socket.store.getState().status === 'live' && account.delivered > 0, 'live')
  for (let move = 1; move <= MOVES; move++) {
    server.askToMove()
    await until(() => clients.every(({ socket }) => socket.stats().handovers === move), `handover ${move}`)
  }
  const last = server.sent
  await until(() => clients.every(({ account }) => account.newest >= last), 'the last message')
  await server.close()

  const found = clients.map(({ socket, account, gaps }, at) => ({
    kind: kinds[at]!.name,
    lost: account.lost(last),
    repeated: account.repeated,
    reordered: account.reordered,
    gaps: gaps(),
    reconnects: socket.stats().reconnects,
    handovers: socket.stats().handovers,
  }))
  if (process.env['MOVES'])
    console.table(
      found.map((row, at) => ({
        ...row,
        messages: clients[at]!.account.delivered,
        held: clients[at]!.socket.stats().held,
        silence: clients[at]!.socket.stats().longestSilence,
      })),
    )
  expect(found).toEqual(
    kinds.map(({ name }) => ({
      kind: name,
      lost: 0,
      repeated: 0,
      reordered: 0,
      gaps: 0,
      reconnects: 0,
      handovers: MOVES,
    })),
  )
  // The test is about overlaps, so there must have been one, with messages that came twice.
  expect(clients.every(({ socket }) => socket.stats().duplicates > 0)).toBe(true)
})

it('keeps the connection, and promises nothing about messages, if a server has neither positions nor identities', async () => {
  const server = await foreignServer()
  onTestFinished(() => server.close())
  const socket = createLiveSocket({
    url: server.url,
    protocol: rawProtocol(words),
    handover: { dwell: 0 },
    environment: { WebSocket },
  })
  onTestFinished(() => socket.close())
  const states: string[] = []
  const seen: unknown[] = []
  socket.subscribe('ticks', (id) => seen.push(id))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  socket.store.subscribe(({ status }) => states.push(status))
  server.tell('{"id":1}')
  await until(() => seen.length === 1, 'the first message')
  server.askToMove()
  await until(() => socket.stats().handovers === 1, 'the handover')
  server.tell('{"id":2}')
  await until(() => seen.length === 2, 'the second message')
  expect(seen).toEqual([1, 2])
  expect(states.filter((status) => status !== 'live')).toEqual([])
})

it('has the shortest possible break with a server that refuses a second connection, and reports it in the events', async () => {
  const server = await foreignServer({ exclusive: true })
  onTestFinished(() => server.close())
  const socket = createLiveSocket({
    url: server.url,
    protocol: rawProtocol({ ...words, ...pings, ...byPosition, overlap: 'exclusive' }),
    handover: { dwell: 0 },
    environment: { WebSocket },
  })
  onTestFinished(() => socket.close())
  const told: unknown[] = []
  socket.on('handover-started', ({ overlap }) => told.push(overlap))
  socket.on('handover-finished', ({ overlap }) => told.push(overlap))
  socket.on('leg-closed', ({ code, reason, by }) => by === 'client' && told.push([code, reason]))
  const seen: unknown[] = []
  socket.subscribe('ticks', (id) => seen.push(id))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  server.tell('{"id":1}')
  await until(() => seen.length === 1, 'the first message')
  server.askToMove()
  await until(() => told.length >= 3 && socket.store.getState().status === 'live', 'the handover')
  server.tell('{"id":2}')
  await until(() => seen.length === 2, 'the second message')
  expect(told).toEqual([[1000, 'exclusive'], 'exclusive', 0])
})

it('carries text and binary in both directions', async () => {
  const server = await foreignServer()
  onTestFinished(() => server.close())
  const socket = createLiveSocket({ url: server.url, protocol: rawProtocol(words), environment: { WebSocket } })
  onTestFinished(() => socket.close())
  const seen: unknown[] = []
  socket.subscribe('ticks', (data) => seen.push(data))
  socket.connect()
  const bytes = new Uint8Array([1, 2, 3])
  const sent = [
    socket.publish('ticks', 'as it is'),
    socket.publish('ticks', { as: 'JSON' }),
    socket.publish('ticks', bytes),
    socket.publish('ticks', bytes.buffer),
  ]
  bytes.fill(9)
  await Promise.all(sent)
  await until(() => server.received.length === 4, 'what was published')
  expect(server.received).toEqual(['as it is', '{"as":"JSON"}', Buffer.from([1, 2, 3]), Buffer.from([1, 2, 3])])
  server.tell(Buffer.from([4, 5]))
  await until(() => seen.length === 1, 'what was sent')
  expect(new Uint8Array(seen[0] as ArrayBuffer)).toEqual(new Uint8Array([4, 5]))
})
