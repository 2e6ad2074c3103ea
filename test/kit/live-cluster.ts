import { systemClock } from '../../src/base/clock.js'
import { memoryLog, type DrainOptions, type LiveServer } from '../../src/server/index.js'
import { startCluster, startLocalNode } from './cluster.js'
import { createRelay, type Relay } from './relay.js'

/**
 * A cluster with one server at a time, behind a relay that can be slow or dead, and a publisher. Pages in real browsers
 * connect to it.
 */
export interface LiveCluster {
  /** The URL of the newest server. */
  readonly url: string
  readonly relay: Relay
  /** Publishes 1, 2, 3, … into `load`, one every `interval` ms, until `stopPublishing`. */
  publishEvery(interval: number): void
  stopPublishing(): void
  /** The last number published into `load`; the first is 1. */
  readonly published: number
  /** Resolves when `count` more numbers were published. */
  more(count: number): Promise<void>
  /** Everything that clients published, in the order in which it was applied. */
  readonly applied: readonly unknown[]
  /** A new server replaces the present one, which is drained and then closed. */
  deploy(options?: DrainOptions): Promise<{ moved: number; forced: number }>
  /** The present server dies with all its connections, and a new one is running at once. */
  crash(): Promise<void>
  /** The next `connections` connections are accepted and never answered. */
  hang(connections: number): void
  /** The number of legs on all servers. */
  readonly legs: number
  close(): Promise<void>
}

export interface LiveClusterOptions {
  /** Messages that the log keeps for legs that resume. Default: the log's own. */
  history?: number
  /** The round trip of new connections, ms. Default 0. */
  delay?: number
}

export async function startLiveCluster({ history, delay = 0 }: LiveClusterOptions = {}): Promise<LiveCluster> {
  const log = memoryLog(history === undefined ? {} : { history: { maxMessages: history } })
  const applied: unknown[] = []
  const servers = new Set<LiveServer>()
  const waiting: { number: number; resolve: () => void }[] = []
  let published = 0
  let stop = () => {}

  const cluster = await startCluster({
    size: 1,
    log,
    startNode: (id) =>
      startLocalNode(
        {
          id,
          log,
          allowedOrigins: '*',
          authenticate: () => ({ subject: 'page' }),
          authorize: () => true,
          onPublish: ({ data }) => void applied.push(data),
        },
        (server) => {
          servers.add(server as LiveServer)
          return () => void servers.delete(server as LiveServer)
        },
      ),
  })
  const relay = createRelay({ target: { port: cluster.port }, delay, dialRoundTrips: 0 })
  await relay.ready

  return {
    url: `ws://127.0.0.1:${relay.port}/`,
    relay,
    publishEvery(interval) {
      let going = true
      let cancel = () => {}
      const next = async () => {
        await cluster.publish('load', ++published)
        while (waiting[0] && waiting[0].number <= published) waiting.shift()!.resolve()
        if (going) cancel = systemClock.setTimeout(() => void next(), interval)
      }
      void next()
      stop = () => {
        going = false
        cancel()
      }
    },
    stopPublishing: () => stop(),
    get published() {
      return published
    },
    more: (count) => new Promise((resolve) => void waiting.push({ number: published + count, resolve })),
    applied,
    hang: (connections) => relay.swallow(connections),
    deploy: (options) => cluster.deploy({ deadline: 20_000, rate: 1_000, ...options }),
    crash: () => cluster.crash(0),
    get legs() {
      return [...servers].reduce((sum, server) => sum + server.stats().legs, 0)
    },
    async close() {
      stop()
      await relay.close()
      await cluster.close()
    },
  }
}
