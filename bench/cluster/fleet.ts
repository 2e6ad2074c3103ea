import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.js'
import { exportScripts } from '../../src/server/redis/script-export.js'
import { builtDotnet } from '../../test/kit/dotnet.js'
import { freePort } from '../../test/kit/free-port.js'
import { startRedisServer, type RedisServer } from '../../test/kit/redis-server.js'
import { sleep } from '../../test/kit/wait.js'
import type { Bundle } from './bundle.js'
import { check, type Verdict } from './check.js'
import { overturned } from './overturned.js'
import { prefer, startProgram, type Program } from './program.js'
import { startProxy, type Proxy, type ProxyKind } from './proxy.js'
import type { ClientsSetup, ClientsState } from './programs/clients.js'
import type { NodeSetup, NodeState } from './programs/node.js'
import type { SocketsSetup } from './programs/sockets.js'

/** The processes of a scenario, and what the scenario may do to them. */
export interface Fleet {
  readonly redis: RedisServer
  readonly proxies: readonly Proxy[]
  readonly clients: number
  /** How many topics have followers. */
  readonly topics: number
  node(name: string): Program
  /** Starts a node on the port that belongs to this name. */
  startNode(name: string, more?: Partial<NodeSetup>): Promise<void>
  /** Sends new connections to these nodes. */
  use(names: readonly string[]): Promise<void>
  /**
   * Lets this many visitors connect through the proxies and leave again, because the JIT has not compiled the code of a
   * new node yet.
   */
  warmUp(visitors: number): Promise<void>
  drain(name: string, body?: object): Promise<{ moved: number; forced: number }>
  /** Asks each running node for its state. `collected` is as in the node's own `state`. */
  nodeStates(collected?: boolean): Promise<Map<string, NodeState>>
  /** The sum over all client processes. */
  state(): Promise<ClientsState>
  /** Resolves when all clients are live, or rejects after `patience` ms. */
  allLive(patience: number): Promise<void>
  /** Every process records a CPU profile from one call until the next, which names the folder for it. */
  profile(folder?: string): Promise<void>
  /** Milliseconds since 1970. */
  now(): number
  close(): Promise<void>
}

export interface FleetPlan {
  readonly clients: number
  readonly followers: number
  /** Messages a second of each client in its own topic, and in the shared topic. */
  readonly rate: number
  readonly sharedRate: number
  readonly nodes: readonly string[]
  /** Nodes that may be started later. */
  readonly spares?: readonly string[]
  /** Whether the `count`-th node of a name, counted from 0, is in C#. Default: none. */
  readonly dotnet?: (name: string, count: number) => boolean
  readonly proxy: ProxyKind
  readonly idle?: number
  readonly shutdown?: number
  readonly node?: Partial<NodeSetup>
  /** The proxies reach the nodes through Unix sockets, which cost less on one machine. */
  readonly local?: boolean
  /** The longest silence of either side, ms. */
  readonly heartbeat: number
  readonly persistence?: 'always' | 'no'
  /** Whether clients and balancers have priority over the nodes: see `prefer`. */
  readonly preferred?: boolean
  /** How many clients connect a second. */
  readonly connectRate: number
  readonly perProcess: number
}

const SECRET = 'a secret of this drive alone'
/**
 * A proxy has two sockets for each connection, and a handover doubles them for a moment: more connections would come
 * near the limit of 20,000 open files.
 */
const PER_PROXY = 5_000

/**
 * From this many publishes a second on, V8 gets a larger young generation (in MB): otherwise publishes that only wait
 * for their answer are promoted to the old one.
 */
const MUCH = 1_000
const ROOMY = ['--max-semi-space-size=64']
/** The code of a new process is not compiled yet, so a high rate begins low and rises over this time, ms. */
const RAMP = 15_000
/** The longest wait until new processes are fast, ms. */
const COLD = 30_000
/** The longest wait for late messages before they count as lost, ms. */
const LATE = 60_000
/** Publishes that wait for their answer when nothing is late, as a share of those in a second. */
const CALM = 0.1

/**
 * The followers of the shared topic have processes of their own: they have a hundred times the work of the others, and
 * their code and data stay in the caches.
 */
function shares({ clients, followers, perProcess }: FleetPlan): { count: number; followers: number }[] {
  const split = (total: number) =>
    Array.from({ length: Math.ceil(total / perProcess) }, (_, at, of = Math.ceil(total / perProcess)) =>
      Math.floor((total + at) / of),
    )
  return [
    ...split(followers).map((count) => ({ count, followers: count })),
    ...split(clients - followers).map((count) => ({ count, followers: 0 })),
  ]
}

export async function startFleet(
  bundle: Bundle,
  plan: FleetPlan,
): Promise<
  Fleet & {
    finish(window: {
      from?: number
      until?: number
      quiet?: number
    }): Promise<Verdict & { readonly overturned: number }>
  }
> {
  const much = plan.clients * plan.rate >= MUCH
  const folder = await mkdtemp(join(tmpdir(), 'livesocket-cluster-'))
  const redis = await startRedisServer({ persistence: plan.persistence ?? 'always' })
  const names = [...plan.nodes, ...(plan.spares ?? [])]
  const ports = new Map<string, number>()
  for (const name of names) ports.set(name, await freePort())
  const paths = new Map(plan.local ? names.map((name) => [name, join(folder, `${name}.sock`)]) : [])
  const nodes = new Map<string, Program>()
  const started = new Map<string, number>()
  // The Lua scripts that the nodes in Node use for their log.
  const scripts = join(folder, 'scripts.json')
  if (plan.dotnet) await writeFile(scripts, JSON.stringify(exportScripts({ history: { maxMessages: 10_000 } })))
  const dotnet = plan.dotnet && { program: await builtDotnet('servers/aspnetcore'), scripts }

  async function startNode(name: string, more: Partial<NodeSetup> = {}) {
    const setup: NodeSetup = {
      id: `${name}-${Math.floor(systemClock.now())}`,
      port: ports.get(name)!,
      ...(plan.local && { path: paths.get(name)! }),
      redis: redis.url,
      secret: SECRET,
      heartbeat: plan.heartbeat,
      reconnectSpread: 2_000,
      rate: 500,
      deadline: 30_000,
      refuses: false,
      ...plan.node,
      ...more,
    }
    const count = started.get(name) ?? 0
    started.set(name, count + 1)
    const node = plan.dotnet?.(name, count)
      ? startProgram(bundle.dotnetNode, { ...setup, ...dotnet })
      : startProgram(bundle.node, setup, much ? ROOMY : [])
    nodes.set(name, node)
    await node.ask('ready')
  }
  await Promise.all(plan.nodes.map((name) => startNode(name)))

  const proxies = await Promise.all(
    Array.from({ length: Math.ceil(plan.clients / PER_PROXY) }, () =>
      startProxy(plan.proxy, {
        nodes: plan.local ? paths : ports,
        use: plan.nodes,
        idle: plan.idle ?? 3_600_000,
        shutdown: plan.shutdown ?? 3_600_000,
        preferred: plan.preferred ?? false,
      }),
    ),
  )

  const records: string[] = []
  const programs: Program[] = []
  for (const { count, followers } of shares(plan)) {
    const record = join(folder, `clients-${programs.length}.jsonl`)
    records.push(record)
    const setup: ClientsSetup = {
      name: `c${programs.length}`,
      url: proxies[programs.length % proxies.length]!.url,
      count,
      followers,
      rate: plan.rate,
      sharedRate: programs.length === 0 ? plan.sharedRate : 0,
      ramp: much ? RAMP : 0,
      heartbeat: plan.heartbeat,
      record,
    }
    const program = startProgram(bundle.clients, setup, much || plan.clients > PER_PROXY ? ROOMY : [])
    if (plan.preferred) prefer(program.pid)
    programs.push(program)
  }
  const tell = (what: string, details?: object) => Promise.all(programs.map((program) => program.ask(what, details)))

  async function state(): Promise<ClientsState> {
    const states = (await tell('state')) as ClientsState[]
    const sum = (of: keyof ClientsState) => states.reduce((total, one) => total + one[of], 0)
    return { live: sum('live'), closed: sum('closed'), waiting: sum('waiting'), received: sum('received') }
  }

  async function allLive(patience: number) {
    const from = systemClock.monotonic()
    for (;;) {
      const { live, closed } = await state()
      if (live === plan.clients) return
      if (closed > 0 || systemClock.monotonic() - from > patience)
        throw new Error(
          `${plan.clients - live} of ${plan.clients} clients are not live after ${patience} ms, ${closed} gave up`,
        )
      await sleep(50)
    }
  }

  /** Waits until new processes are fast and have worked off what queued up meanwhile. */
  async function steady() {
    if (much) await sleep(RAMP)
    const from = systemClock.monotonic()
    for (let calm = 0; calm < 5 && systemClock.monotonic() - from < COLD; await sleep(200)) {
      const { waiting } = await state()
      calm = waiting <= plan.clients * plan.rate * CALM ? calm + 1 : 0
    }
  }

  /**
   * Waits until everybody is live and nothing has arrived for `quiet` ms: until then a missing message is late, not
   * lost.
   */
  async function untilQuiet(quiet: number) {
    const begun = systemClock.monotonic()
    let received = -1
    for (let still = begun; systemClock.monotonic() - begun < LATE; await sleep(100)) {
      const now = await state()
      if (now.received !== received || now.live + now.closed < plan.clients) still = systemClock.monotonic()
      if (systemClock.monotonic() - still >= quiet) return
      received = now.received
    }
  }

  async function close() {
    for (const program of [...programs, ...nodes.values()]) program.kill('SIGKILL')
    await Promise.all([...programs, ...nodes.values()].map(({ exit }) => exit))
    await Promise.all(proxies.map((proxy) => proxy.close()))
    await redis.close()
    // With CLUSTER_RECORDS the records are kept for inspection.
    if (process.env['CLUSTER_RECORDS']) console.error(`The records are in ${folder}`)
    else await rm(folder, { recursive: true, force: true })
  }

  const fleet = {
    redis,
    proxies,
    clients: plan.clients,
    topics: plan.clients + (plan.followers > 0 ? 1 : 0),
    node(name: string) {
      const node = nodes.get(name)
      if (!node) throw new Error(`There is no node ${name}`)
      return node
    },
    startNode,
    async use(wanted: readonly string[]) {
      await Promise.all(proxies.map((proxy) => proxy.use(wanted)))
    },
    async warmUp(visitors: number) {
      for (const { url } of proxies) {
        const visit = startProgram(bundle.sockets, {
          url,
          count: Math.ceil(visitors / proxies.length),
          rate: 0,
          speaks: true,
        } satisfies SocketsSetup)
        await visit.ask('connect')
        visit.kill('SIGKILL')
        await visit.exit
      }
    },
    async drain(name: string, body: object = {}) {
      const response = await fetch(`http://127.0.0.1:${ports.get(name)}/drain`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
        body: JSON.stringify({ wait: true, ...body }),
      })
      if (!response.ok)
        throw new Error(`The drain endpoint of ${name} answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as { moved: number; forced: number }
    },
    async nodeStates(collected = false) {
      const alive = [...nodes].filter(([, node]) => node.alive)
      return new Map(
        await Promise.all(
          alive.map(async ([name, node]) => [name, await node.ask<NodeState>('state', { collected })] as const),
        ),
      )
    },
    state,
    allLive,
    async profile(into?: string) {
      const alive = [...programs.entries(), ...nodes.entries()].filter(([, program]) => program.alive)
      await Promise.all(
        alive.map(([name, program]) => program.ask('profile', { file: into && join(into, `${name}.cpuprofile`) })),
      )
    },
    now: () => systemClock.now(),
    close,
    async finish({ from, until, quiet = 1_500 }: { from?: number; until?: number; quiet?: number }) {
      await tell('publish', { on: false })
      const begun = systemClock.monotonic()
      while ((await state()).waiting > 0 && systemClock.monotonic() - begun < 30_000) await sleep(50)
      await untilQuiet(quiet)
      await Promise.all(programs.map((program) => program.ask('end')))
      await Promise.all(programs.map(({ exit }) => exit))
      const verdict = await check(records, { busiest: 'shared', from, until })
      return { ...verdict, overturned: await overturned(redis, verdict.unknowns) }
    },
  }
  try {
    await Promise.all(programs.map((program) => program.ask('connect', { rate: plan.connectRate / programs.length })))
    if (plan.rate > 0 || plan.sharedRate > 0) {
      await tell('publish', { on: true })
      await steady()
    }
  } catch (error) {
    await close()
    throw error
  }
  return fleet
}
