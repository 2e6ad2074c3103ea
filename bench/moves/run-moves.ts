import { memoryLog } from 'livesocket/server'
import { createChecker, median, type Summary } from '../../test/kit/checker.js'
import { connectClient } from '../../test/kit/client.js'
import { startCluster } from '../../test/kit/cluster.js'
import { startPublisher } from '../../test/kit/publisher.js'
import { sleep, until } from '../../test/kit/wait.js'
import { systemClock } from '../../src/base/clock.js'
import { liveHeap } from '../heap/live-heap.js'

export interface MovesResult {
  readonly moves: number
  readonly down: Summary
  /** The client's own publishes, which it reads back. */
  readonly up: Summary
  readonly sent: { down: number; up: number }
  readonly answered: number
  /** Milliseconds, median and longest. */
  readonly cutover: { median: number; longest: number }
  /** Bytes of live heap at regular intervals, from the end of the warm-up to the end of the run. */
  readonly heap: readonly number[]
  readonly took: number
}

/** Messages a second in each direction. */
const RATE = 200

/**
 * One client and one server at a time. The next server replaces the present one as soon as the client has handed over,
 * `moves` times in a row.
 */
export async function runMoves(
  moves: number,
  progress: (move: number, heap: number) => void = () => {},
): Promise<MovesResult> {
  // The log is small enough to be full after the warm-up, so that growth after that is a leak.
  const log = memoryLog({ history: { maxMessages: 200 }, dedupe: { maxIds: 1_000 } })
  const cluster = await startCluster({ size: 1, log, drain: { rate: 10_000, deadline: 10_000 } })
  const now = () => systemClock.monotonic()
  const [down, up] = [createChecker(now), createChecker(now)]
  const checked = { down: down.client('app', ['down']), up: up.client('app', ['up']) }
  const client = connectClient({
    name: 'mover',
    url: cluster.url,
    tokenUrl: cluster.tokens.url,
    topics: ['down', 'up'],
    // The next request comes at once, so the dwell time is 0.
    handover: { dwell: 0 },
    checked: {
      delivered: (from, n, offset) => checked[from as 'down' | 'up'].delivered(from, n, offset),
      gap: (topic, from, to) => checked[topic as 'down' | 'up'].gap(topic, from, to),
      live: (live) => checked.down.live(live),
      moving: () => {},
    },
  })
  await until(() => client.socket.store.getState().status === 'live', 10_000, 'the client to be live')
  const start = now()
  const publishers = [
    startPublisher({
      name: 'down',
      rate: RATE,
      send: (message) => (down.sent('down', message.n), void cluster.publish('down', message)),
    }),
    startPublisher({
      name: 'up',
      rate: RATE,
      send: (message) => (up.sent('up', message.n), client.publish('up', message)),
    }),
  ]

  const heap: number[] = []
  const warmUp = Math.floor(moves / 5)
  const distance = Math.max(1, Math.floor((moves - warmUp) / 8))
  let cutovers = 0
  const { requestToCutover } = client.moves
  const all = { sample: [] as number[], longest: 0 }
  for (let move = 1; move <= moves; move++) {
    await cluster.deploy()
    cutovers += requestToCutover.length
    all.longest = Math.max(all.longest, ...requestToCutover)
    if (all.sample.length < 1_000) all.sample.push(...requestToCutover)
    // The test client's record of its handovers must not count as heap growth.
    for (const list of Object.values(client.moves) as number[][]) list.length = 0
    if (move >= warmUp && (move - warmUp) % distance === 0) {
      heap.push(await liveHeap())
      progress(move, heap.at(-1)!)
    }
  }
  for (const publisher of publishers) publisher.stop()
  await sleep(300)

  const result: MovesResult = {
    moves: cutovers,
    down: down.summary('app'),
    up: up.summary('app'),
    sent: { down: publishers[0]!.sent, up: publishers[1]!.sent },
    answered: client.published.answered,
    cutover: { median: median(all.sample.sort((a, b) => a - b)), longest: all.longest },
    heap,
    took: now() - start,
  }
  client.close()
  await cluster.close()
  return result
}

/**
 * The difference between the second half of the heap samples and the first, as a fraction. It compares medians, so that
 * a single outlier does not matter.
 */
export function heapGrowth(heap: readonly number[]): number {
  const middle = heap.length >> 1
  const of = (part: readonly number[]) => median([...part].sort((a, b) => a - b))
  return of(heap.slice(-middle)) / of(heap.slice(0, middle)) - 1
}
