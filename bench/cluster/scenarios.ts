import { systemClock } from '../../src/base/clock.js'
import { quantile, type Verdict } from './check.js'
import type { Fleet, FleetPlan } from './fleet.js'
import { sleep } from '../../test/kit/wait.js'
import type { ProxyKind } from './proxy.js'

/** What happens to a fleet, and what must then hold. */
export interface Scenario {
  readonly name: string
  readonly title: string
  /** A program that the scenario needs. */
  readonly needs?: string
  /** How many clients, unless the command line names a number. */
  readonly clients: number
  plan(ask: Ask): Partial<FleetPlan>
  /** Runs the scenario. Its facts name the times when the trouble began and when it was over for everybody. */
  run(fleet: Fleet, ask: Ask): Promise<Facts>
  /** Each broken promise, as a sentence. That nothing is lost, repeated or reordered is checked for every scenario. */
  broken?(verdict: Verdict, facts: Facts, ask: Ask): string[]
}

export interface Ask {
  readonly clients: number
  readonly proxy: ProxyKind
  /** Messages a second in the shared topic. */
  readonly shared?: number
  /** A small run: waits are short. */
  readonly small: boolean
}

export interface Facts {
  readonly from: number
  readonly until: number
  /** Milliseconds. */
  readonly drain?: number
  readonly more?: Readonly<Record<string, number>>
}

const BLUE = ['a', 'b', 'c']
const GREEN = ['d', 'e', 'f']

/** Planned handovers: no client may notice. */
const unnoticed = (verdict: Verdict): string[] => [
  ...(verdict.away > 0 ? [`${verdict.away} clients were not live at some time`] : []),
  ...(verdict.gaps > 0 ? [`${verdict.gaps} gaps were told of`] : []),
]
const noGaps = (verdict: Verdict): string[] => (verdict.gaps > 0 ? [`${verdict.gaps} gaps were told of`] : [])

/** Time for some messages before and after. */
const settle = (ask: Ask) => sleep(ask.small ? 700 : 3_000)

async function during(
  fleet: Fleet,
  ask: Ask,
  act: () => Promise<Omit<Facts, 'from' | 'until'> | void>,
  patience = 60_000,
): Promise<Facts> {
  await settle(ask)
  const from = fleet.now()
  const facts = await act()
  await fleet.allLive(patience)
  const until = fleet.now()
  await settle(ask)
  return { from, until, ...facts }
}

/** SIGTERM to each node in turn. A new node replaces it. */
const ROLLING: Pick<Scenario, 'run' | 'broken'> = {
  run: (fleet, ask) =>
    during(fleet, ask, async () => {
      const drains: number[] = []
      for (const name of BLUE) {
        // nginx makes no health checks, so its configuration is changed. HAProxy notices that the node is no longer
        // ready.
        if (ask.proxy === 'nginx') await fleet.use(BLUE.filter((other) => other !== name))
        const begun = systemClock.monotonic()
        const node = fleet.node(name)
        node.kill('SIGTERM')
        const code = await node.exit
        if (code !== 0) throw new Error(`${name} ended with ${code}`)
        drains.push(systemClock.monotonic() - begun)
        await fleet.startNode(name)
        await fleet.use(BLUE)
        await sleep(ask.small ? 400 : 1_000)
      }
      return { drain: Math.max(...drains) }
    }),
  broken: unnoticed,
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'rolling',
    title: 'Rolling deploy: SIGTERM to each node in turn, and a new node replaces it',
    clients: 3_000,
    // Legs hand over no faster than a busy machine can take them. The last node may have three quarters of all legs,
    // because nginx does not know existing connections after a reload. Redis persistence is off: the scenario
    // `redis-restart` covers it.
    plan: ({ clients }) => ({
      node: { rate: 15, deadline: 240_000 },
      persistence: 'no',
      local: true,
      perProcess: Math.ceil(clients / 3),
    }),
    ...ROLLING,
  },
  {
    name: 'mixed',
    title: 'Rolling deploy in which a C# node replaces each Node node, and the other way round',
    needs: 'dotnet',
    clients: 300,
    plan: () => ({
      node: { rate: 60, deadline: 60_000 },
      local: true,
      // The nodes of a name alternate between the two, and at any time some of either kind run.
      dotnet: (name, count) => (BLUE.indexOf(name) + count) % 2 === 1,
    }),
    ...ROLLING,
  },
  {
    name: 'blue-green',
    title: 'Slot swap: traffic goes to three new nodes, then drainEndpoint drains the old ones',
    clients: 1_500,
    plan: () => ({ spares: GREEN }),
    run: (fleet, ask) =>
      during(fleet, ask, async () => {
        for (const name of GREEN) await fleet.startNode(name)
        await fleet.use(GREEN)
        await sleep(300)
        const begun = systemClock.monotonic()
        const results = await Promise.all(
          BLUE.map((name) => fleet.drain(name, { reason: 'slot swap', deadline: 30_000, rate: 200 })),
        )
        const drain = systemClock.monotonic() - begun
        for (const name of BLUE)
          await fleet
            .node(name)
            .ask('end')
            .catch(() => undefined)
        return { drain, more: { forced: results.reduce((sum, { forced }) => sum + forced, 0) } }
      }),
    broken: (verdict, { more }) => [
      ...unnoticed(verdict),
      ...(more!['forced']! > 0 ? [`${more!['forced']} legs were closed at the deadline`] : []),
    ],
  },
  {
    name: 'balancer-drain',
    title:
      'The balancer takes a node out (HAProxy: state drain; nginx: reload with worker_shutdown_timeout), then the node drains',
    clients: 1_000,
    // After this time the workers of the old configuration end, and with them every connection that they hold.
    plan: (ask) => ({ shutdown: ask.small ? 4_000 : 8_000 }),
    run: (fleet, ask) =>
      during(fleet, ask, async () => {
        await fleet.use(['a', 'b'])
        await sleep(500)
        const begun = systemClock.monotonic()
        const { forced } = await fleet.drain('c', { deadline: 20_000 })
        const drain = systemClock.monotonic() - begun
        await fleet
          .node('c')
          .ask('end')
          .catch(() => undefined)
        // nginx cuts all connections of its old workers, also those to nodes that stay.
        if (ask.proxy === 'nginx') await sleep(ask.small ? 5_000 : 9_000)
        return { drain, more: { forced } }
      }),
    broken: (verdict, _facts, ask) => (ask.proxy === 'nginx' ? noGaps(verdict) : unnoticed(verdict)),
  },
  {
    name: 'kill',
    title: 'kill -9 of the node that has every leg; two other nodes take the legs',
    clients: 5_000,
    plan: () => ({
      nodes: ['a'],
      spares: ['b', 'c'],
      rate: 0.02,
      sharedRate: 2,
      heartbeat: 30_000,
      node: { reconnectSpread: 10_000 },
    }),
    async run(fleet, ask) {
      for (const name of ['b', 'c']) await fleet.startNode(name)
      await fleet.use(['a', 'b', 'c'])
      const before = new Map<string, number>()
      const facts = await during(fleet, ask, async () => {
        for (const [name, { reads, heads }] of await fleet.nodeStates()) before.set(name, reads + heads)
        fleet.node('a').kill('SIGKILL')
        await fleet.node('a').exit
      })
      let reads = 0
      for (const [name, state] of await fleet.nodeStates()) reads += state.reads + state.heads - (before.get(name) ?? 0)
      const windows = (facts.until - facts.from) / 100
      return { ...facts, more: { reads, readsPerTopicPer100ms: reads / fleet.topics / windows } }
    },
    broken: (verdict, { more }) => [
      ...noGaps(verdict),
      ...(quantile(verdict.backAfter, 0.99) > 15_000
        ? [`p99 live again after ${Math.round(quantile(verdict.backAfter, 0.99))} ms`]
        : []),
      ...((verdict.backAfter.at(-1) ?? 0) > 45_000 ? ['not all were live again within 45 s'] : []),
      ...(more!['readsPerTopicPer100ms']! > 1 ? ['more than one read per topic per 100 ms'] : []),
    ],
  },
  {
    name: 'stop-cont',
    title: 'A node freezes (kill -STOP) and resumes (kill -CONT)',
    clients: 600,
    plan: () => ({ heartbeat: 2_000 }),
    run: (fleet, ask) =>
      during(
        fleet,
        ask,
        async () => {
          fleet.node('b').kill('SIGSTOP')
          await sleep(ask.small ? 12_000 : 20_000)
          fleet.node('b').kill('SIGCONT')
          await sleep(1_000)
        },
        90_000,
      ),
    broken: noGaps,
  },
  {
    name: 'overload',
    title:
      'At twice the load that the machine can carry, with a short memory of publish outcomes: each node freezes for 22 s, then each is replaced',
    clients: 1_500,
    // The whole machine can carry 3,000 publishes a second and their deliveries, as `rolling` shows.
    plan: (ask) => ({
      node: { rate: 15, deadline: 240_000, maxIds: ask.small ? 3 : 100 },
      rate: ask.small ? 5 : 4,
      heartbeat: ask.small ? 2_000 : 5_000,
      persistence: 'no',
      local: true,
      perProcess: Math.ceil(ask.clients / 3),
    }),
    run: (fleet, ask) =>
      during(
        fleet,
        ask,
        async () => {
          for (const name of ask.small ? ['b'] : BLUE) {
            fleet.node(name).kill('SIGSTOP')
            await sleep(ask.small ? 12_000 : 22_000)
            fleet.node(name).kill('SIGCONT')
            await sleep(ask.small ? 1_000 : 5_000)
          }
          for (const name of BLUE) {
            const node = fleet.node(name)
            node.kill('SIGTERM')
            await node.exit
            await fleet.startNode(name)
          }
        },
        240_000,
      ),
  },
  {
    name: 'redis-restart',
    title: 'Redis is killed and started with its data (appendfsync always)',
    clients: 600,
    plan: () => ({}),
    run: (fleet, ask) =>
      during(fleet, ask, async () => {
        await fleet.redis.kill()
        await fleet.redis.start('kept')
        await sleep(2_500)
      }),
    broken: unnoticed,
  },
  {
    name: 'redis-loss',
    title: 'Redis is killed and started without its data',
    clients: 600,
    plan: () => ({ persistence: 'no' }),
    run: (fleet, ask) =>
      during(fleet, ask, async () => {
        await fleet.redis.kill()
        await fleet.redis.start('lost')
        await sleep(4_000)
      }),
    // One gap for each topic of each client: its own topic, and for some clients the shared topic.
    broken: (verdict, { more }) => [
      ...(verdict.mostGaps > 1 ? [`${verdict.mostGaps} gaps in one topic of one client`] : []),
      ...(verdict.gaps !== more!['subscriptions']
        ? [`${verdict.gaps} gaps in ${more!['subscriptions']} subscriptions`]
        : []),
    ],
  },
  {
    name: 'redis-away',
    title: 'Redis is away for 10 s',
    clients: 600,
    plan: () => ({}),
    run: (fleet, ask) =>
      during(fleet, ask, async () => {
        await fleet.redis.kill()
        await sleep(ask.small ? 3_000 : 10_000)
        await fleet.redis.start('kept')
        await sleep(3_000)
      }),
    broken: unnoticed,
  },
  {
    name: 'idle-cut',
    title: 'The proxy cuts connections that are idle for 3 s; the heartbeat is 2 s, and there are few messages',
    clients: 300,
    plan: () => ({ rate: 0.2, sharedRate: 0.2, idle: 3_000, heartbeat: 2_000 }),
    run: (fleet, ask) => during(fleet, ask, () => sleep(ask.small ? 6_000 : 25_000)),
    broken: unnoticed,
  },
  {
    name: 'refuse',
    title: 'A deploy whose new version refuses every client: all stay on the old version until the deploy is cancelled',
    clients: 600,
    plan: () => ({ spares: GREEN }),
    run: (fleet, ask) =>
      during(fleet, ask, async () => {
        for (const name of GREEN) await fleet.startNode(name, { refuses: true })
        await fleet.use(GREEN)
        await sleep(300)
        const drains = BLUE.map((name) =>
          fleet.drain(name, { deadline: 60_000, rate: 200, wait: false }).catch(() => undefined),
        )
        await Promise.all(drains)
        await sleep(ask.small ? 4_000 : 10_000)
        await fleet.use(BLUE)
        await Promise.all(BLUE.map((name) => fleet.drain(name, { wait: false, cancel: true })))
        await sleep(500)
      }),
    broken: (verdict) => [...unnoticed(verdict), ...(verdict.closed > 0 ? [`${verdict.closed} clients gave up`] : [])],
  },
  {
    name: 'drain',
    title:
      'One node with every leg is drained at 500 a second (the first 5,000 at 250 a second where there are so many)',
    clients: 10_000,
    // The followers, one client in fifty with a message a second, notice what is lost. The heartbeat is one for a
    // server with many idle legs.
    plan: ({ clients }) => ({
      nodes: ['a'],
      spares: ['b', 'c'],
      rate: 0,
      sharedRate: 1,
      followers: Math.ceil(clients / 50),
      heartbeat: 60_000,
      preferred: true,
    }),
    run: (fleet, ask) =>
      during(fleet, ask, async () => {
        for (const name of ['b', 'c']) await fleet.startNode(name)
        await fleet.use(['b', 'c'])
        // The new nodes warm up before the old one drains.
        await fleet.warmUp(ask.clients / 10)
        await sleep(ask.small ? 300 : 2_000)
        const begun = systemClock.monotonic()
        const { forced } = await fleet.drain('a', { rate: 500, deadline: 60_000 })
        return { drain: systemClock.monotonic() - begun, more: { forced } }
      }),
    broken: (verdict, { drain, more }) => [
      ...unnoticed(verdict),
      ...(drain! > 25_000 ? [`it took ${Math.round(drain!)} ms`] : []),
      ...(verdict.dialPeak > 550 ? [`${verdict.dialPeak} dials in one second`] : []),
      ...(more!['forced']! > 0 ? [`${more!['forced']} legs were closed at the deadline`] : []),
    ],
  },
]
