import { memoryLog } from 'livesocket/server'
import { systemClock } from '../../src/base/clock.js'
import { createChecker, type Checker, type Summary } from '../../test/kit/checker.js'
import { connectClient, type DemoClient } from '../../test/kit/client.js'
import { startCluster } from '../../test/kit/cluster.js'
import { connectOverlapping, connectReconnecting, FASTEST, type Peer } from '../peers.js'
import { startPublisher, type Publisher } from '../../test/kit/publisher.js'
import { createRelay } from '../../test/kit/relay.js'
import { sleep, until } from '../../test/kit/wait.js'
import { createVisitor } from '../../test/kit/visitor.js'

export interface Load {
  /** Round-trip time to the servers in milliseconds; 0 is loopback without a relay. */
  roundTrip: number
  deploys: number
  /** Whether the servers keep messages for clients that come back. */
  history: boolean
  /** How many LiveSocket clients (default 50), and how many clients of each other kind (`peers`, default 10). */
  clients?: number
  peers?: number
}

export interface LoadResult {
  readonly groups: Readonly<Record<Group, Summary>>
  readonly requestToCutover: readonly number[]
  readonly moves: number
  /** Publishes of the LiveSocket clients: the answers that they got, and what a reader of the topic received. */
  readonly publishes: {
    sent: number
    answered: number
    refused: number
    unknown: number
    lost: number
    appliedTwice: number
  }
}

export type Group = 'livesocket' | 'rws-fastest' | 'rws-default' | 'overlap'

const ROOMS = 10
const ROOM_RATE = 10
const UP_RATE = 4
export const DRAIN = { rate: 100, deadline: 5_000 }
/** Milliseconds between two deploys: the dwell, so that each handover begins on a settled leg. */
const PAUSE = 1_000

/**
 * Deploys under load. Every client reads two rooms with 20 messages a second together, so 50 clients get 1,000 a second,
 * and every LiveSocket client publishes 4 a second. Each deploy asks all clients to hand over, and closes at its deadline
 * those that do not.
 */
export async function underLoad(load: Load): Promise<LoadResult> {
  const clients = load.clients ?? 50
  const peers = load.peers ?? 10
  const cluster = await startCluster({
    log: memoryLog(load.history ? {} : { history: { maxMessages: 0 } }),
    drain: DRAIN,
  })
  const relay = createRelay({ target: { port: cluster.port }, delay: load.roundTrip })
  await relay.ready
  const url = load.roundTrip > 0 ? `ws://127.0.0.1:${relay.port}/live` : cluster.url
  const checker = createChecker(() => systemClock.monotonic())

  const upstream = createChecker(() => systemClock.monotonic())
  const auditor = connectClient({
    name: 'auditor',
    url: cluster.url,
    tokenUrl: cluster.tokens.url,
    topics: ['up'],
    checked: upstream.client(
      'auditor',
      Array.from({ length: clients }, (_, index) => `client-${index}`),
    ),
  })

  const live: DemoClient[] = []
  for (let index = 0; index < clients; index++) {
    const name = `client-${index}`
    live.push(
      connectClient({
        name,
        url,
        tokenUrl: cluster.tokens.url,
        topics: roomsOf(index),
        checked: checker.client('livesocket', roomsOf(index)),
      }),
    )
  }
  const others = await startPeers(checker, url, cluster.tokens.url, peers)
  const ready = [...live, auditor]
  await until(
    () => ready.every(({ socket }) => socket.store.getState().status === 'live'),
    10_000,
    'all clients to be live',
  )

  const publishers: Publisher[] = []
  for (let room = 0; room < ROOMS; room++) {
    // The delay makes the two rooms of a client take turns.
    if (room === ROOMS / 2) await sleep(500 / ROOM_RATE)
    const name = `room-${room}`
    const send: Parameters<typeof startPublisher>[0]['send'] = (message) => {
      checker.sent(name, message.n)
      void cluster.publish(name, message)
    }
    publishers.push(startPublisher({ name, rate: ROOM_RATE, send }))
  }
  for (const [index, client] of live.entries()) {
    const name = `client-${index}`
    publishers.push(
      startPublisher({
        name,
        rate: UP_RATE,
        send: (message) => (upstream.sent(name, message.n), client.publish('up', message)),
      }),
    )
  }
  await sleep(1_000)

  const moves = () => live.reduce((sum, { moves }) => sum + moves.requestToCutover.length, 0)
  for (let deploy = 1; deploy <= load.deploys; deploy++) {
    // The deploy continues in the background until its deadline, for clients that do not hand over when asked.
    void cluster.deploy()
    await until(() => moves() >= deploy * clients, DRAIN.deadline + 1_000, 'all clients to hand over').catch(() => {})
    await sleep(PAUSE)
  }
  checker.end()
  for (const publisher of publishers) publisher.stop()
  // Messages under way get time to arrive. Those that have not arrived by then are lost.
  const settled = () =>
    checker.summary('livesocket').lost === 0 &&
    live.every(({ socket }) => socket.store.getState().outbox.messages === 0)
  await until(settled, 3_000, 'messages under way').catch(() => {})
  await sleep(300 + 4 * load.roundTrip)
  const audit = upstream.summary('auditor')
  const total = (field: 'answered' | 'refused' | 'unknown') =>
    live.reduce((sum, { published }) => sum + published[field], 0)
  const result: LoadResult = {
    groups: {
      livesocket: checker.summary('livesocket'),
      'rws-fastest': checker.summary('rws-fastest'),
      'rws-default': checker.summary('rws-default'),
      overlap: checker.summary('overlap'),
    },
    requestToCutover: live.flatMap(({ moves }) => moves.requestToCutover).sort((a, b) => a - b),
    moves: moves(),
    publishes: {
      sent: publishers.slice(ROOMS).reduce((sum, { sent }) => sum + sent, 0),
      answered: total('answered'),
      refused: total('refused'),
      unknown: total('unknown'),
      lost: audit.lost,
      appliedTwice: audit.appliedTwice,
    },
  }

  for (const client of ready) client.close()
  for (const peer of others) peer.close()
  await relay.close()
  await cluster.close()
  return result
}

function roomsOf(index: number): string[] {
  return [`room-${index % ROOMS}`, `room-${(index + ROOMS / 2) % ROOMS}`]
}

async function startPeers(checker: Checker, url: string, tokenUrl: string, count: number): Promise<Peer[]> {
  const { token } = (await createVisitor(tokenUrl, 'peer').getToken()) as { token: string }
  const peers: Peer[] = []
  for (let index = 0; index < count; index++) {
    const options = (group: Group) => {
      const checked = checker.client(group)
      return {
        url,
        topics: roomsOf(index),
        token: async () => token,
        message: (topic: string, offset: number, data: unknown) =>
          checked.delivered(topic, (data as { n: number }).n, offset),
        live: (live: boolean) => checked.live(live),
        moving: () => checked.moving(),
      }
    }
    peers.push(connectReconnecting(options('rws-fastest'), FASTEST))
    peers.push(connectReconnecting(options('rws-default')))
    peers.push(connectOverlapping(options('overlap')))
  }
  return peers
}
