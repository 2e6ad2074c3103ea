import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/kit/free-port.js'
import { startRedisServer } from '../../test/kit/redis-server.js'
import type { Bundle } from './bundle.js'
import { check, quantile } from './check.js'
import { startProgram, type Program } from './program.js'
import type { ClientsSetup } from './programs/clients.js'
import type { NodeSetup } from './programs/node.js'
import { sleep } from '../../test/kit/wait.js'

/**
 * LiveSocket compared with a bare `ws` server that fans out messages from Redis pub/sub, one after the other on the
 * same machine.
 */
export interface Comparison {
  readonly comparison: 'memory' | 'latency'
  readonly clients: number
  readonly liveSocket: number
  readonly bare: number
  /** Bytes of an idle connection, or milliseconds from publish to delivery. */
  readonly unit: 'bytes' | 'ms, p99'
  readonly more: Readonly<Record<string, number>>
  readonly broken: readonly string[]
}

/** Messages a second in the latency comparison. */
const RATE = 10
const MOST_MEMORY = 32 * 1024

async function withNode<Result>(
  bundle: Bundle,
  kind: 'node' | 'bare',
  use: (ask: { node: Program; url: string }) => Promise<Result>,
): Promise<Result> {
  const redis = await startRedisServer()
  const port = await freePort()
  const setup: NodeSetup & { channel: string } = {
    id: 'one',
    port,
    redis: redis.url,
    secret: 'a secret of this drive alone',
    heartbeat: 30_000,
    reconnectSpread: 1_000,
    rate: 500,
    deadline: 1_000,
    refuses: false,
    channel: 'shared',
  }
  const node = startProgram(bundle[kind], setup)
  try {
    await node.ask('ready')
    return await use({ node, url: `ws://127.0.0.1:${port}${kind === 'node' ? '/live' : '/'}` })
  } finally {
    node.kill('SIGKILL')
    await node.exit
    await redis.close()
  }
}

function liveClients(bundle: Bundle, url: string, folder: string, count: number, sharedRate: number): Program[] {
  return [0, 1].map((at) => {
    const setup: ClientsSetup = {
      name: `c${at}`,
      url,
      count: Math.ceil(count / 2),
      own: false,
      ramp: 0,
      followers: count,
      rate: 0,
      sharedRate: at === 0 ? sharedRate : 0,
      record: join(folder, `${at}.jsonl`),
    }
    return startProgram(bundle.clients, setup)
  })
}

function plainClients(bundle: Bundle, url: string, count: number, rate: number, speaks: boolean): Program[] {
  return [0, 1].map((at) =>
    startProgram(bundle.sockets, { url, count: Math.ceil(count / 2), rate: at === 0 ? rate : 0, speaks }),
  )
}

async function end(programs: readonly Program[]) {
  for (const program of programs) program.kill('SIGKILL')
  await Promise.all(programs.map(({ exit }) => exit))
}

/** Waits for the garbage collector: what it has not collected yet is not the cost of a connection. */
async function settledRss(node: Program): Promise<number> {
  let least = Infinity
  for (let at = 0; at < 5; at++) {
    least = Math.min(least, (await node.ask<{ rss: number }>('state', { collected: true })).rss)
    await sleep(200)
  }
  return least
}

export async function compareMemory(bundle: Bundle, clients: number): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), 'livesocket-cluster-'))
  const cost = async (kind: 'node' | 'bare') =>
    withNode(bundle, kind, async ({ node, url }) => {
      // The first clients warm the process up: what it needs to serve anybody is not the cost of a connection either.
      const first =
        kind === 'node' ? liveClients(bundle, url, folder, 100, 0) : plainClients(bundle, url, 100, 0, false)
      await Promise.all(first.map((program) => program.ask('connect', { rate: 1_000 })))
      await end(first)
      await sleep(500)
      const before = await settledRss(node)
      const programs =
        kind === 'node' ? liveClients(bundle, url, folder, clients, 0) : plainClients(bundle, url, clients, 0, false)
      await Promise.all(programs.map((program) => program.ask('connect', { rate: 500 })))
      await sleep(1_000)
      const after = await settledRss(node)
      await end(programs)
      return (after - before) / clients
    })
  try {
    const [liveSocket, bare] = [await cost('node'), await cost('bare')]
    return {
      comparison: 'memory',
      clients,
      liveSocket: Math.round(liveSocket),
      bare: Math.round(bare),
      unit: 'bytes',
      more: {},
      broken: liveSocket > MOST_MEMORY ? [`an idle connection costs ${Math.round(liveSocket)} bytes`] : [],
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export async function compareLatency(bundle: Bundle, clients: number, duration: number): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), 'livesocket-cluster-'))
  const run = (programs: readonly Program[], what: string, details?: object) =>
    Promise.all(programs.map((program) => program.ask(what, details)))
  try {
    // Both servers get the same light sockets, so that only the way through the servers and Redis is compared.
    const through = (kind: 'node' | 'bare') =>
      withNode(bundle, kind, async ({ url }) => {
        const programs = plainClients(bundle, url, clients, RATE, kind === 'node')
        await run(programs, 'connect')
        await run(programs, 'publish', { on: true })
        await sleep(2_000)
        await run(programs, 'measure')
        await sleep(duration)
        await run(programs, 'publish', { on: false })
        await sleep(300)
        const latencies = ((await run(programs, 'latencies')) as number[][]).flat().sort((a, b) => a - b)
        await end(programs)
        return latencies
      })
    const live = await through('node')
    const bare = await through('bare')
    const whole = await withNode(bundle, 'node', async ({ url }) => {
      const programs = liveClients(bundle, url, folder, clients, RATE)
      await run(programs, 'connect', { rate: 500 })
      await run(programs, 'publish', { on: true })
      await sleep(2_000)
      await run(programs, 'measure')
      await sleep(duration)
      await run(programs, 'publish', { on: false })
      await sleep(300)
      await run(programs, 'end')
      await Promise.all(programs.map(({ exit }) => exit))
      return (
        await check(
          [0, 1].map((at) => join(folder, `${at}.jsonl`)),
          { busiest: 'shared' },
        )
      ).latency
    })
    const [liveSocket, other] = [quantile(live, 0.99), quantile(bare, 0.99)]
    return {
      comparison: 'latency',
      clients,
      liveSocket,
      bare: other,
      unit: 'ms, p99',
      more: {
        liveSocketP50: quantile(live, 0.5),
        bareP50: quantile(bare, 0.5),
        withClientsP50: quantile(whole, 0.5),
        withClientsP99: quantile(whole, 0.99),
      },
      broken: liveSocket > Math.max(2 * other, other + 5) ? [`${liveSocket} ms is more than twice ${other} ms`] : [],
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
