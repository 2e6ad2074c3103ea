// One node of the fleet, as a process of its own: a live server on Redis, with its health, its metrics and its drain
// endpoint.
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { createServer as createSocketServer } from 'node:net'
import { createLiveServer } from 'livesocket/server'
import { redisLog } from 'livesocket/server/redis'
import { serveProgram } from '../program.js'

export interface NodeSetup {
  readonly id: string
  readonly port: number
  /** A Unix socket on which the node also listens. */
  readonly path?: string
  readonly redis: string
  readonly secret: string
  readonly heartbeat: number
  readonly reconnectSpread: number
  readonly rate: number
  readonly deadline: number
  /** How many publish outcomes the log remembers for each session. Default: the log's own. */
  readonly maxIds?: number
  /** A version that refuses every client. */
  readonly refuses: boolean
}

export interface NodeState {
  readonly legs: number
  readonly connections: number
  readonly opened: number
  readonly rss: number
  readonly heap: number
  /** Microseconds of processor time since the start. */
  readonly cpu: number
  readonly reads: number
  readonly heads: number
  readonly appends: number
  readonly topics: number
}

serveProgram<NodeSetup>((setup) => {
  const errors = new Map<string, number>()
  const onError = (error: unknown, doing: string) => {
    // While Redis is down every leg reports the same error: one line is enough.
    const count = (errors.get(doing) ?? 0) + 1
    errors.set(doing, count)
    if (process.env['CLUSTER_VERBOSE'] && count < 4) console.error(`${setup.id}: ${doing}:`, error)
  }
  // Holds 50 s of a topic with 200 messages a second.
  const log = redisLog({
    url: setup.redis,
    history: { maxMessages: 10_000 },
    dedupe: { maxIds: setup.maxIds },
    onError,
  })
  const http = createServer((request, response) => {
    if (request.url === '/healthz') return health(request, response)
    if (request.url === '/metrics') return metrics(request, response)
    if (request.url === '/drain') return drain(request, response)
    response.writeHead(404).end()
  })
  const live = createLiveServer({
    server: http,
    path: '/live',
    id: setup.id,
    log,
    authorize: () => true,
    authenticate: () => (setup.refuses ? null : { subject: 'load' }),
    heartbeat: setup.heartbeat,
    reconnectSpread: setup.reconnectSpread,
    limits: { maxPending: 20_000 },
    onError,
  })
  const health = live.healthEndpoint()
  const metrics = live.metricsEndpoint()
  const drain = live.drainEndpoint(setup.secret)
  live.drainOn('SIGTERM', { rate: setup.rate, deadline: setup.deadline, reason: 'deploy' })
  http.listen(setup.port, '127.0.0.1')
  const local = createSocketServer((socket) => void http.emit('connection', socket))
  if (setup.path !== undefined) {
    // The previous node has left its socket file behind.
    rmSync(setup.path, { force: true })
    local.listen(setup.path)
  }
  return {
    async ready() {
      if (!http.listening) await once(http, 'listening')
      if (setup.path !== undefined && !local.listening) await once(local, 'listening')
    },
    /** `collected`: collects garbage first, so that only memory in use counts. The process stands still meanwhile. */
    state({ collected = false }: { collected?: boolean }): NodeState {
      if (collected) globalThis.gc?.()
      const { legs, connections, opened, topics } = live.stats()
      const { rss, heapUsed } = process.memoryUsage()
      const { user, system } = process.cpuUsage()
      const { reads, heads, appends } = log.stats()
      return { legs, connections, opened, topics, rss, heap: heapUsed, cpu: user + system, reads, heads, appends }
    },
    async end() {
      await live.close()
      await log.close()
      http.close()
      local.close()
      http.closeAllConnections()
      setImmediate(() => process.exit(0))
    },
  }
})
