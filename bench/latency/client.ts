import { setTimeout } from 'node:timers/promises'
import { serveProgram } from '../cluster/program.js'
import { percentile } from '../kit/spread.js'
import { tick } from '../kit/tick.js'
import type { KindName } from '../server/kinds.js'
import type { OpenEcho } from './echo/echo.js'

const ECHOES = {
  livesocket: () => import('./echo/livesocket.js'),
  ws: () => import('./echo/ws.js'),
  'socket-io': () => import('./echo/socket-io.js'),
} satisfies Record<KindName, () => Promise<{ openEcho: OpenEcho }>>

export interface LatencyAsk {
  readonly topics: number
  readonly moving: boolean
  readonly samples: number
  readonly warmUp: number
}

/**
 * The time between two publishes, ms. At a higher rate a server with little other work counts as busy and coalesces its
 * writes for some milliseconds, and the benchmark would measure that delay.
 */
const PACE = 10

serveProgram<{ kind: KindName; urls: readonly string[] }>(({ kind, urls }) => ({
  /**
   * Milliseconds from publish to callback. While handing over, only messages that were published and received within
   * the same overlap count.
   */
  async measure({ topics: count, moving, samples, warmUp }: LatencyAsk) {
    const topics = Array.from({ length: count }, (_, at) => `topic-${at}`)
    const { openEcho } = await ECHOES[kind]()
    const published = new Map<number, { at: number; counts: boolean }>()
    const latencies: number[] = []
    const echo = await openEcho({
      urls,
      topics,
      onMessage({ n }) {
        const { at, counts } = published.get(n)!
        published.delete(n)
        if (counts && (!moving || echo.overlapping())) latencies.push(performance.now() - at)
      },
    })
    const moves = moving ? echo.move() : null
    for (let n = 1; latencies.length < samples; n++) {
      published.set(n, { at: performance.now(), counts: n > warmUp && (!moving || echo.overlapping()) })
      echo.publish(topics[n % count]!, tick(n))
      await setTimeout(PACE)
    }
    await moves?.stop()
    echo.close()
    return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) }
  },
}))
