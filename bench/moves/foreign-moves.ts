import { WebSocket } from 'ws'
import { createBooks } from '../../test/kit/books.js'
import { createRelay } from '../../test/kit/relay.js'
import { sleep, until } from '../../test/kit/wait.js'
import { createLiveSocket } from '../../src/socket/whole-socket.js'
import { start as aedes } from './servers/aedes.js'
import { start as graphqlWs } from './servers/graphql-ws.js'
import { start as mosquitto } from './servers/mosquitto.js'
import { start as nats } from './servers/nats.js'
import { start as phoenix } from './servers/phoenix.js'
import type { ForeignServer } from './servers/server.js'
import { start as signalR } from './servers/signal-r.js'
import { start as socketIo } from './servers/socket-io.js'
import { start as trpc } from './servers/trpc.js'

/** Servers of other protocols: all are real, except for the stand-in for Phoenix. */
export const FOREIGN: Readonly<Record<string, () => Promise<ForeignServer>>> = {
  'socket.io': socketIo,
  'mosquitto, QoS 1': () => mosquitto(1),
  'mosquitto, QoS 0': () => mosquitto(0),
  'aedes, QoS 1': aedes,
  '@trpc/server': trpc,
  'graphql-ws, server and client': graphqlWs,
  'ASP.NET Core SignalR': signalR,
  'nats-server': nats,
  'Phoenix (a stand-in), slow handle_out': phoenix,
}

export interface ForeignMoves {
  readonly kind: string
  readonly oldPath: string
  readonly moves: number
  readonly messages: number
  readonly lost: number
  readonly repeated: number
  readonly reordered: number
  readonly gaps: number
  readonly reconnects: number
}

/** Messages a second, and the round trip of a new leg, ms. Then the round trips of the old leg: slower or faster. */
const RATE = 500
const ROUND_TRIP = 50
const OLD_PATHS = { slower: 120, faster: 5 }

/**
 * Runs `moves` handovers of two clients: the old path of one is slower than the new one, that of the other is faster.
 */
export async function foreignMoves(kind: string, moves: number): Promise<readonly ForeignMoves[]> {
  const server = await FOREIGN[kind]!()
  const clients = await Promise.all(
    Object.entries(OLD_PATHS).map(([oldPath, roundTrip]) => follow(server, oldPath, roundTrip)),
  )
  let told = 0
  const began = performance.now()
  const timer = setInterval(() => {
    for (const due = ((performance.now() - began) * RATE) / 1_000; told < due; ) server.tell(++told)
  }, 2)
  try {
    await until(() => clients.every(({ account }) => account.delivered > 0), 10_000, `${kind}: messages`)
    for (let move = 1; move <= moves; move++) {
      if (server.askToMove) server.askToMove()
      else for (const { socket } of clients) void socket.handover().catch(() => {})
      await until(
        () => clients.every(({ socket }) => socket.stats().handovers >= move),
        15_000,
        `${kind}: handover ${move}`,
      )
    }
    await sleep(200)
    clearInterval(timer)
    await until(
      () => clients.every(({ account }) => account.newest >= told),
      10_000,
      `${kind}: the last message`,
    ).catch(() => {})
    return clients.map(({ socket, account, oldPath, gaps }) => ({
      kind,
      oldPath,
      moves: socket.stats().handovers,
      messages: account.delivered,
      lost: account.lost(told),
      repeated: account.repeated,
      reordered: account.reordered,
      gaps: gaps(),
      reconnects: socket.stats().reconnects,
    }))
  } finally {
    clearInterval(timer)
    for (const { close, relay } of clients) {
      close()
      await relay.close()
    }
    await server.close()
  }
}

async function follow(server: ForeignServer, oldPath: string, roundTrip: number) {
  const relay = createRelay({ target: { port: server.port }, delay: ROUND_TRIP })
  await relay.ready
  const books = createBooks(() => performance.now())
  const { account } = books
  const heard = books.arrived
  const client = server.client?.(server.url(relay.port), heard) ?? own(server, server.url(relay.port), heard)
  await until(() => client.live()?.store.getState().status === 'live', 10_000, 'live')
  const socket = client.live()!
  socket.on('gap', books.gap)
  // The delay changes under load, so that messages on one leg overtake those on the other.
  socket.on('handover-started', () => relay.connections()[0]?.setDelay(roundTrip))
  return { socket, close: client.close, relay, account, oldPath, gaps: () => books.gaps.length }
}

function own(server: ForeignServer, url: string, heard: (number: number) => void) {
  const socket = createLiveSocket<Record<string, unknown>>({
    url,
    protocol: server.protocol,
    handover: { dwell: 0 },
    environment: { WebSocket },
    debug: false,
  })
  socket.subscribe(server.topic, (data) => heard(server.numberIn(data)))
  socket.connect()
  return { live: () => socket, close: () => socket.close() }
}
