import { setTimeout as pause } from 'node:timers/promises'
import type { DrainResult, ServerStats } from '../../src/server/index.js'
import { freePort, openGate, type Gate } from './gate.js'
import { createLoad } from './load.js'
import { startProgram, type Program } from './program.js'
import { needed, type Scenario } from './scenarios.js'

/** Milliseconds and bytes; null if it was not reached, or does not apply. */
export interface Outcome {
  readonly scenario: string
  readonly contender: string
  readonly clients: number
  readonly live: number
  readonly needed: number
  readonly allLive: number | null
  readonly live99: number | null
  readonly dialsPerClient: number
  /** The most dials in one second. */
  readonly dialPeak: number
  readonly dialsBySecond: readonly number[]
  /**
   * The longest time that the process of the clients stood still. More than a blink is due to the machine, not the
   * server.
   */
  readonly late: number
  readonly calls: number
  readonly wasted: number
  /** The longest time that one client was not live; and how many clients were not live for 0.1 s or more. */
  readonly longestDown: number
  readonly notLive: number
  readonly moved: number | null
  readonly forced: number | null
  /** Clients that were live at the deadline, and 5 s after it. */
  readonly atDeadline: number | null
  readonly afterDeadline: number | null
  /** The `drain-late` reports of a drained server. */
  readonly told: readonly unknown[]
  /** The peak memory of the server that takes all clients, as a multiple of its memory once all are live. */
  readonly memory: number
  readonly events: Readonly<Record<string, number>>
  /** The number of handovers, by their reason. */
  readonly moves: Readonly<Record<string, number>>
  /** Live clients at each second, or a little later if the machine is busy. */
  readonly series: readonly number[]
  /**
   * The shares of a core that the clients, the receiving server and the balancer used in each of these seconds. If
   * their sum comes near the number of cores, the numbers describe the machine.
   */
  readonly load: readonly Load[]
}

interface Load {
  readonly clients: number
  readonly taker: number
  readonly gate: number
  /**
   * How many greetings the server allows at a time, and how many hellos wait. Absent if the server does not report it.
   */
  readonly limit?: number | undefined
  readonly waiting?: number | undefined
}

/** The samples of each second. */
interface Watched {
  readonly series: readonly number[]
  readonly load: readonly Load[]
}

interface Looked {
  readonly rss: number
  readonly peak: number
  readonly calls: number
  readonly wasted: number
  readonly stats: Partial<ServerStats>
  readonly events: Record<string, number>
  readonly late: readonly { readonly type: string }[]
}

interface ClientsLooked {
  readonly live: number
  readonly dials: number
  readonly dialPeak: number
  readonly dialsBySecond: readonly number[]
  readonly late: number
  readonly moves: Readonly<Record<string, number>>
  readonly back: readonly number[]
  readonly down: readonly number[]
}

interface Stand {
  readonly gate: Gate
  readonly clients: Program
  readonly nodes: readonly Program[]
  readonly taker: Program
}

const EVERY = 250
/** A client that is not live for less than this counts as live: it is about one turn of the event loop. */
const BLINK = 100

export interface Contender {
  readonly name: string
  /** `plain`, or a build of LiveSocket as in build.ts. */
  readonly kind: string
}

export async function runScenario(scenario: Scenario, contender: Contender): Promise<Outcome> {
  const gate = await openGate()
  const heeds = scenario.heeds ? 'heeds' : 'deaf'
  const programs: Program[] = []
  const start = async (name: string, ...args: string[]) => {
    const program = await startProgram(name, args)
    programs.push(program)
    return program
  }
  try {
    const count = scenario.kind === 'drain' ? scenario.nodes : 1
    const ports = await Promise.all(Array.from({ length: count + 1 }, freePort))
    const nodes = await Promise.all(ports.map((port) => start('node', contender.kind, heeds, String(port))))
    const taker = nodes.pop()!
    const clients = await start('clients', contender.kind, `ws://127.0.0.1:${gate.port}`)
    const options = {
      limits: {},
      ...(scenario.kind === 'crash' && scenario.spread !== undefined && { reconnectSpread: scenario.spread }),
    }
    for (const node of nodes) await node.ask('listen', { options })
    if (scenario.kind === 'crash' && scenario.lived)
      for (const node of nodes) await node.ask('slow', scenario.perSecond)
    gate.to(ports.slice(0, count))
    await clients.ask('connect', scenario.clients)
    while ((await look(clients)).live < scenario.clients) await pause(EVERY)
    // A heartbeat tells the clients the spread that their servers have computed.
    if (scenario.kind === 'crash' && scenario.lived) await pause(11_000)
    await taker.ask('slow', scenario.perSecond)
    const stand = { gate, clients, nodes, taker }
    return await (scenario.kind === 'crash'
      ? crash(scenario, contender, stand, options, ports.at(-1)!)
      : drain(scenario, contender, stand, options, ports.at(-1)!))
  } finally {
    gate.close()
    for (const program of programs) program.kill()
  }
}

async function crash(
  scenario: Scenario,
  contender: Contender,
  stand: Stand,
  options: object,
  port: number,
): Promise<Outcome> {
  const { clients, nodes, taker, gate } = stand
  await clients.ask('forget')
  for (const node of nodes) node.kill()
  await taker.ask('listen', { options })
  gate.to([port])
  while ((await look(clients)).live === scenario.clients) await pause(10)
  const watched = await watch(scenario, stand, async () => (await look(clients)).live === scenario.clients)
  return outcome(scenario, contender, stand, watched, {})
}

async function drain(
  scenario: Scenario & { kind: 'drain' },
  contender: Contender,
  stand: Stand,
  options: object,
  port: number,
): Promise<Outcome> {
  const { clients, nodes, taker, gate } = stand
  await taker.ask('listen', { options })
  gate.to([port])
  await clients.ask('forget')
  await taker.ask('forget')
  const { rate, deadline, extendable } = scenario
  const results: (DrainResult | null)[] = []
  const draining = nodes.map((node) =>
    node
      .ask<DrainResult | null>('drain', { rate, deadline, ...(extendable && { extendable }) })
      .then((result) => void results.push(result)),
  )
  const from = performance.now()
  let atDeadline: number | null = null
  let afterDeadline: number | null = null
  const watched = await watch(scenario, stand, async (live) => {
    const now = performance.now() - from
    if (now >= deadline - EVERY) atDeadline ??= live
    if (now >= deadline + 5_000) afterDeadline ??= live
    const { stats } = await taker.ask<Looked>('look')
    if (stats.legs !== scenario.clients || results.length < nodes.length) return false
    // All clients are where they belong, and nothing is left to happen.
    atDeadline ??= live
    afterDeadline ??= live
    return true
  })
  await Promise.race([Promise.all(draining), pause(1_000)])
  const sum = (of: (result: DrainResult) => number) =>
    results.reduce((all, result) => all + (result ? of(result) : 0), 0)
  return outcome(scenario, contender, stand, watched, {
    moved: sum(({ moved }) => moved),
    forced: sum(({ forced }) => forced),
    atDeadline,
    afterDeadline,
  })
}

async function watch(
  scenario: Scenario,
  { clients, taker }: Stand,
  done: (live: number) => Promise<boolean>,
): Promise<Watched> {
  const from = performance.now()
  const gate = createLoad()
  const series: number[] = []
  const load: Load[] = []
  let due = 0
  await Promise.all([clients.ask('busy'), taker.ask('busy')])
  for (;;) {
    const { live } = await look(clients)
    const at = performance.now() - from
    if (at >= due) {
      // A late sample is not made up for: each sample is at least a second after the previous one.
      due = at + 1_000
      series.push(live)
      const [ofClients, ofTaker] = await Promise.all([clients.ask<number>('busy'), taker.ask<number>('busy')])
      const { admission } = (await taker.ask<Looked>('look')).stats
      const { limit, waiting } = admission ?? {}
      load.push({ clients: ofClients, taker: ofTaker, gate: gate(), limit, waiting })
    }
    if ((await done(live)) || at > scenario.limit) return { series, load }
    await pause(EVERY)
  }
}

async function outcome(
  scenario: Scenario,
  contender: Contender,
  { clients, taker, nodes }: Stand,
  watched: Watched,
  more: Partial<Outcome>,
): Promise<Outcome> {
  const { live, dials, dialPeak, dialsBySecond, late, back, down, moves } = await look(clients)
  const seen = await taker.ask<Looked>('look')
  const told =
    scenario.kind === 'drain'
      ? (await Promise.all(nodes.map((node) => node.ask<Looked>('look')))).flatMap(({ late }) => late)
      : []
  await taker.ask('forget')
  const { rss: calm } = await taker.ask<Looked>('look')
  const sorted = [...back].sort((a, b) => a - b)
  const reached = live === scenario.clients
  return {
    scenario: scenario.name,
    contender: contender.name,
    clients: scenario.clients,
    live,
    needed: needed(scenario),
    allLive: reached ? (sorted.at(-1) ?? 0) : null,
    live99: sorted[Math.ceil(scenario.clients * 0.99) - 1] ?? null,
    dialsPerClient: dials / scenario.clients,
    dialPeak,
    dialsBySecond,
    late,
    calls: seen.calls,
    wasted: seen.wasted,
    longestDown: Math.max(0, ...down),
    notLive: down.filter((time) => time >= BLINK).length,
    moved: null,
    forced: null,
    atDeadline: null,
    afterDeadline: null,
    told,
    memory: seen.peak / calm,
    events: seen.events,
    moves,
    ...watched,
    ...more,
  }
}

function look(clients: Program): Promise<ClientsLooked> {
  return clients.ask<ClientsLooked>('look')
}
