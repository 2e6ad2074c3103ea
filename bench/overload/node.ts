import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import type { DrainOptions, DrainResult, LiveServer, LiveServerOptions } from '../../src/server/index.js'
import { createBackend } from './backend.js'
import { redisOf, serverOf } from './build.js'
import { answer } from './program.js'

/**
 * One server with an identity service of its own, which can be slow. `plain`: a bare `ws` server that asks the service
 * after the first message.
 */
const [kind, heeds, port] = process.argv.slice(2) as [string, string, string]
const backend = createBackend(heeds === 'heeds')
let peak = 0
let late: unknown[] = []
const events: Record<string, number> = {}
setInterval(() => void (peak = Math.max(peak, process.memoryUsage.rss())), 50)

interface Listening {
  readonly port: number
  readonly options: Partial<LiveServerOptions>
  /** The URL of the Redis log. Absent: the log is in memory. */
  readonly redis?: string
  /** Messages that the log keeps of a topic. */
  readonly keeps?: number
}

interface Node {
  listen(ask: Listening): Promise<unknown>
  drain(options: DrainOptions): Promise<DrainResult | null>
  stats(): object
}

const node = kind === 'plain' ? plainNode() : await liveNode()

async function liveNode(): Promise<Node> {
  let live: LiveServer | null = null
  return {
    async listen({ options, port, redis, keeps }) {
      const { createLiveServer, memoryLog } = await serverOf(kind)
      const history = { maxMessages: keeps, maxBytes: keeps === undefined ? undefined : 256 * 1024 * 1024 }
      const log =
        redis === undefined
          ? memoryLog({ history })
          : (await redisOf(kind)).redisLog({ url: redis, history, onError: () => undefined })
      live = createLiveServer({
        log,
        port,
        host: '127.0.0.1',
        authenticate: async ({ signal }) => {
          await backend.call(signal)
          return { subject: 'somebody' }
        },
        authorize: () => true,
        onError: () => undefined,
        onEvent: (event) => {
          const name = 'code' in event ? `${event.type} ${event.code}` : event.type
          events[name] = (events[name] ?? 0) + 1
          if (event.type.startsWith('drain-')) late.push(event)
        },
        ...options,
      })
      await live.ready
    },
    drain: (options) => live!.drain(options),
    stats: () => live!.stats(),
  }
}

function plainNode(): Node {
  let legs = 0
  return {
    async listen({ port }) {
      const http = createServer()
      const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
      sockets.on('connection', (ws) => {
        const gone = new AbortController()
        let welcomed = false
        ws.on('error', () => undefined)
        ws.on('close', () => {
          gone.abort()
          if (welcomed) legs--
        })
        ws.once('message', async () => {
          await backend.call(gone.signal)
          if (ws.readyState !== ws.OPEN) return
          welcomed = true
          legs++
          ws.send('welcome')
        })
      })
      await new Promise<void>((resolve) => void http.listen({ port, host: '127.0.0.1', backlog: 8_192 }, resolve))
    },
    drain: async () => null,
    stats: () => ({ legs }),
  }
}

answer({
  listen: (ask: Partial<Listening>) => node.listen({ port: Number(port), options: {}, ...ask }),
  slow: (perSecond: number) => backend.limit(perSecond),
  drain: (options: DrainOptions) => node.drain(options),
  /** Blocks the event loop for this many milliseconds. */
  'stand-still': (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  forget: () => {
    globalThis.gc?.()
    peak = process.memoryUsage.rss()
    late = []
  },
  look: () => ({
    rss: process.memoryUsage.rss(),
    peak,
    calls: backend.calls,
    wasted: backend.wasted,
    stats: node.stats(),
    events,
    late,
  }),
})
