import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { redisLog } from 'livesocket/server/redis'
import { systemClock } from '../src/base/clock.js'
import { startCluster } from '../test/kit/cluster.js'
import { buildPages } from './page-files.js'
import { processNodes } from './process-nodes.js'
import { roomOf, settle } from './room.js'
import { startPublisher } from '../test/kit/publisher.js'
import { createRelay } from '../test/kit/relay.js'

export interface Demo {
  readonly url: string
  close(): Promise<void>
}

export interface DemoOptions {
  /** The port of the page. Default 0: a free port. If the port is taken, a free one is used. */
  port?: number
  /** Round-trip time between the page and the servers, in milliseconds. Default 50. */
  delay?: number
  /** How long the page's sign-in lasts, in milliseconds. Default 8 h. */
  login?: number
  /** The URL of a Redis that servers in their own processes share. Default: everything runs in this process. */
  redis?: string
}

const RATE = 100
const DRAIN = { rate: 50, deadline: 3_000 }
/** Milliseconds until crashed servers are replaced, and for which the network is cut or frozen. */
const TROUBLE = { restart: 1_500, cut: 2_000, freeze: 8_000 }

type Action = 'deploy' | 'crash' | 'cut' | 'freeze'

/**
 * Runs two live servers on one log, a balancer, the network in front of it, a publisher, a token service and the page. All
 * of it is in this process, except for the servers if there is a Redis.
 */
export async function serveDemo({ port = 0, delay = 50, login, redis }: DemoOptions = {}): Promise<Demo> {
  const files = await buildPages()
  // A request for something that is no URL ends only that request.
  const http = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  await listen(http, port)
  const pagePort = (http.address() as AddressInfo).port
  const origins = [`http://localhost:${pagePort}`, `http://127.0.0.1:${pagePort}`]

  const cluster = await startCluster({
    ...(redis !== undefined && {
      log: redisLog({ url: redis, prefix: 'livesocket-demo' }),
      startNode: processNodes(redis),
    }),
    serving: roomOf,
    drain: DRAIN,
    allowedOrigins: origins,
    tokens: { ...(login !== undefined && { login }) },
  })
  const relay = createRelay({ target: { port: cluster.port }, delay })
  await relay.ready
  const publisher = startPublisher({
    name: 'feed',
    rate: RATE,
    send: (message) => void cluster.publish('feed', message),
  })
  const leave = settle(() => cluster.url, cluster.tokens.url)
  const readers = new Set<ServerResponse>()
  let busy: Action | null = null
  // What was sent a second ago has arrived by now, or is missing.
  let sentBefore: number[] = []

  const tell = (event: string, data: unknown) => {
    for (const reader of readers) reader.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const state = () => ({
    servers: cluster.servers(),
    sent: sentBefore[0] ?? 0,
    published: publisher.sent,
    tokens: cluster.tokens.signed,
    busy,
  })
  let stopTelling = () => {}
  const keepTelling = () => {
    sentBefore = [...sentBefore.slice(-4), publisher.sent]
    tell('state', state())
    stopTelling = systemClock.setTimeout(keepTelling, 250)
  }
  keepTelling()
  const wait = (ms: number) => new Promise<void>((done) => systemClock.setTimeout(done, ms))

  const actions: Record<Action, () => Promise<string>> = {
    async deploy() {
      tell('action', {
        label: 'deploy',
        text: 'Deploying: two new servers have started, and the old ones ask their clients to hand over…',
      })
      const { moved, forced } = await cluster.deploy()
      return `Deployed: ${moved} ${moved === 1 ? 'connection' : 'connections'} handed over when asked, ${forced} closed at the deadline.`
    },
    async crash() {
      tell('action', {
        label: 'crash',
        text: `Both servers died without notice. New ones replace them in ${TROUBLE.restart / 1_000} s…`,
      })
      await cluster.crash(TROUBLE.restart)
      return 'Both servers crashed and were replaced.'
    },
    async cut() {
      relay.refuse(true)
      const cut = relay.cut()
      tell('action', {
        label: 'cut',
        text: `The network has cut ${cut} ${cut === 1 ? 'connection' : 'connections'} and is down for ${TROUBLE.cut / 1_000} s…`,
      })
      await wait(TROUBLE.cut)
      relay.refuse(false)
      return 'The network is back.'
    },
    async freeze() {
      const frozen = relay.connections()
      for (const connection of frozen) connection.freeze()
      tell('action', {
        label: 'freeze',
        text: `The path is frozen for ${TROUBLE.freeze / 1_000} s: connections look open, but nothing passes. New connections work…`,
      })
      await wait(TROUBLE.freeze)
      for (const connection of frozen) connection.thaw()
      return 'The path has thawed: delayed messages arrive now.'
    },
  }

  const act = async (action: Action, response: ServerResponse) => {
    if (busy) return void response.writeHead(409).end()
    busy = action
    response.writeHead(204).end()
    const text = await actions[action]().catch((thrown: unknown) => `The action failed: ${String(thrown)}`)
    busy = null
    tell('action', { text })
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    // A page of another site must not be able to press these buttons.
    if (request.headers.origin !== undefined && !origins.includes(request.headers.origin))
      return void response.writeHead(403).end()
    const path = new URL(`http://demo${request.url}`).pathname
    const action = path.match(/^\/control\/(deploy|crash|cut|freeze)$/)?.[1] as Action | undefined
    if (action && request.method === 'POST') return act(action, response)
    if (['/login', '/token', '/logout'].includes(path)) return cluster.tokens.endpoint(request, response)
    if (path === '/config') {
      response.writeHead(200, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify({ socketPort: relay.port, rate: RATE, delay }))
    }
    // A page of a demo that has ended since is told so: it is served by other ports.
    if (path === `/events/${relay.port}`) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.write(`event: state\ndata: ${JSON.stringify(state())}\n\n`)
      readers.add(response)
      return void response.on('close', () => readers.delete(response))
    }
    const file = files.get(path)
    if (!file) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-store' })
    response.end(file.body)
  }

  return {
    url: `http://localhost:${pagePort}/`,
    async close() {
      stopTelling()
      publisher.stop()
      leave()
      http.closeAllConnections()
      http.close()
      await Promise.all([relay.close(), cluster.close()])
    },
  }
}

async function listen(http: ReturnType<typeof createServer>, port: number): Promise<void> {
  try {
    http.listen(port, '127.0.0.1')
    await once(http, 'listening')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EADDRINUSE' || port === 0) throw thrown
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
  }
}
