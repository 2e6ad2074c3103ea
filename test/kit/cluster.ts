import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import {
  createLiveServer,
  memoryLog,
  type DrainOptions,
  type LiveServer,
  type LiveServerOptions,
  type TopicLog,
} from 'livesocket/server'
import { systemClock, type Clock } from '../../src/base/clock.js'
import { createBalancer } from './balancer.js'
import { createTokenService, type TokenService, type TokenServiceOptions, type TokenUser } from './token-service.js'

/**
 * Live servers on one log behind a balancer, and a deploy that replaces all of them. The demo and its report, the
 * handovers in a row and pages in real browsers (`live-cluster.ts`) connect to it. Measurements of machines are
 * separate: `bench/cluster` and `bench/overload` have programs of their own, whose memory and time are read from
 * outside, behind real proxies.
 */
export interface Cluster {
  /** The balancer's port, where clients connect. */
  readonly port: number
  readonly url: string
  readonly tokens: TokenService
  servers(): readonly { id: string; taking: boolean; connections: number }[]
  /** Publishes as a program of the backend, which shares the log and outlives every server. */
  publish(topic: string, data: unknown): Promise<{ offset: number }>
  /** Starts a new server for each old one, sends new connections to them, drains the old servers and closes them. */
  deploy(drain?: DrainPlan): Promise<{ moved: number; forced: number }>
  /**
   * Asks every leg of the old servers to hand over, and resets their connections `after` milliseconds later, as a node
   * that does not wait.
   */
  deployAndLose(after: number): Promise<void>
  /**
   * All servers die as processes do: their connections are reset without a close frame. New servers replace them
   * `after` milliseconds later; with 0 they are already running.
   */
  crash(after: number): Promise<void>
  close(): Promise<void>
}

/** The options of `drain`. */
export type DrainPlan = DrainOptions

export interface ClusterOptions {
  /** How many servers run at a time; default 2. */
  size?: number
  log?: TopicLog
  /** Starts a server. Default: in this process, on `log`. */
  startNode?: StartNode
  /** What each server of this process does in addition. */
  serving?: Serving
  drain?: DrainPlan
  /** Origins of the pages that may connect. Programs other than browsers send no origin. */
  allowedOrigins?: string[]
  /** The balancer's port; default 0: a free port. */
  port?: number
  /** Options of the token service. */
  tokens?: TokenServiceOptions
  clock?: Clock
}

export type Serving = (id: string) => Partial<LiveServerOptions<TokenUser>>

export interface ClusterNode {
  readonly id: string
  readonly port: number
  drain(plan: DrainPlan): Promise<{ moved: number; forced: number }>
  /** Resets its connections without a close frame. */
  lose(): Promise<void>
  close(): Promise<void>
}

export type StartNode = (id: string, tokens: TokenService, allowedOrigins: string[]) => Promise<ClusterNode>

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const clock = options.clock ?? systemClock
  const log = options.log ?? memoryLog()
  const tokens = createTokenService(options.tokens)
  const balancer = createBalancer({ port: options.port, clock })
  await Promise.all([tokens.ready, balancer.ready])
  const backend = createLiveServer({ port: 0, host: '127.0.0.1', id: 'backend', log, authenticate: () => null })
  await backend.ready
  const sleep = (ms: number) => new Promise<void>((next) => clock.setTimeout(next, ms))
  const size = options.size ?? 2
  let count = 0
  let nodes: ClusterNode[] = []
  const startNode = options.startNode ?? nodesOn(log, options.serving)
  const deploys = new Set<Promise<unknown>>()

  const start = async (): Promise<ClusterNode> => {
    const node = await startNode(`server-${++count}`, tokens, options.allowedOrigins ?? [])
    await balancer.add({ id: node.id, port: node.port })
    nodes = [...nodes, node]
    return node
  }

  /** New servers go into the balancer, old ones leave it. The old servers serve until they are drained. */
  const replace = async (): Promise<ClusterNode[]> => {
    const leaving = nodes
    await Promise.all(leaving.map(start))
    nodes = nodes.filter((node) => !leaving.includes(node))
    for (const node of leaving) balancer.retire(node.id)
    return leaving
  }

  const deploy = async (drain: DrainPlan) => {
    const leaving = await replace()
    const results = await Promise.all(
      leaving.map(async (node) => {
        const result = await node.drain(drain)
        await node.close()
        balancer.remove(node.id)
        return result
      }),
    )
    return {
      moved: results.reduce((sum, { moved }) => sum + moved, 0),
      forced: results.reduce((sum, { forced }) => sum + forced, 0),
    }
  }

  await Promise.all(Array.from({ length: size }, start))

  return {
    get port() {
      return balancer.port
    },
    get url() {
      return `ws://127.0.0.1:${balancer.port}/live`
    },
    tokens,
    servers: () => balancer.backends(),
    publish: (topic, data) => backend.publish(topic, data),
    deploy(drain = options.drain ?? {}) {
      const deploying = deploy(drain)
      const done = () => void deploys.delete(deploying)
      deploys.add(deploying)
      deploying.then(done, done)
      return deploying
    },
    async deployAndLose(after) {
      const leaving = await replace()
      for (const node of leaving) void node.drain({ rate: 10_000, deadline: 10_000 }).catch(() => {})
      await sleep(after)
      for (const node of leaving) balancer.remove(node.id)
      await Promise.all(leaving.map((node) => node.lose()))
    },
    async crash(after) {
      const dead = after === 0 ? await replace() : nodes
      if (after > 0) nodes = []
      for (const node of dead) balancer.remove(node.id)
      await Promise.all(dead.map((node) => node.lose()))
      if (after === 0) return
      await sleep(after)
      await Promise.all(dead.map(start))
    },
    async close() {
      // Without the balancer there are no connections, so running drains end at once.
      await balancer.close()
      await Promise.allSettled(deploys)
      await Promise.all([backend, ...nodes].map((node) => node.close()))
      await Promise.all([log.close(), tokens.close()])
    },
  }
}

function nodesOn(log: TopicLog, serving: Serving = () => ({})): StartNode {
  return (id, tokens, allowedOrigins) =>
    startLocalNode<TokenUser>(
      {
        path: '/live',
        id,
        log,
        allowedOrigins,
        authenticate: ({ token }) => tokens.verify(token),
        // With a token of the demo, everything is allowed.
        authorize: () => true,
        // The successors are as large as the servers that they replace, and there are few clients.
        reconnectSpread: 1_000,
        ...serving(id),
      },
      (live) => tokens.onLogout((login) => void live.end(({ user }) => user.login === login, 'signed out')),
    )
}

/**
 * Starts a server in this process, whose health the balancer can check.
 *
 * @param started called with the server; the function that it returns is called before the server closes
 */
export async function startLocalNode<User>(
  options: Omit<LiveServerOptions<User>, 'server' | 'port'> & { readonly id: string },
  started: (live: LiveServer<User>) => () => void,
): Promise<ClusterNode> {
  const http: Server = createServer((request, response) => {
    if (request.url === '/healthz') return health(request, response)
    response.writeHead(404).end()
  })
  const sockets = new Set<Socket>()
  http.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const live = createLiveServer<User>({ ...options, server: http } as LiveServerOptions<User>)
  const health = live.healthEndpoint()
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  await live.ready
  const forget = started(live)

  const close = async () => {
    forget()
    http.close()
    await live.close()
    http.closeAllConnections()
  }
  const lose = () => {
    for (const socket of sockets) socket.resetAndDestroy()
    return close()
  }
  return {
    id: options.id,
    port: (http.address() as AddressInfo).port,
    drain: (plan) => live.drain({ reason: 'deploy', ...plan }),
    lose,
    close,
  }
}
