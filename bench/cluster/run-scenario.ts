import type { Bundle } from './bundle.js'
import { quantile, type Verdict } from './check.js'
import { startFleet } from './fleet.js'
import type { Ask, Scenario } from './scenarios.js'

/** The result of one scenario, in milliseconds and bytes. Null where it was not measured. */
export interface Outcome {
  readonly scenario: string
  readonly proxy: string
  readonly clients: number
  readonly lost: number
  readonly repeated: number
  readonly reordered: number
  readonly gaps: number
  readonly lostInGaps: number
  readonly notLive: number
  readonly published: number
  readonly delivered: number
  readonly refused: number
  readonly unknown: number
  /** How many unknown publishes were applied after their publisher received the outcome. */
  readonly overturned: number
  readonly longestSilence: number
  readonly dials: number
  readonly dialPeak: number
  /** Legs and dials that ended otherwise than through their client, by close code and reason. */
  readonly broke: Readonly<Record<string, number>>
  readonly timeToDrain: number | null
  readonly backP99: number | null
  readonly backAll: number | null
  readonly latencyP50: number | null
  readonly latencyP99: number | null
  /** The memory of all nodes while messages flow, divided by their legs. */
  readonly memoryPerConnection: number | null
  /** Percent of one core: the processor time of all nodes, divided by their legs. */
  readonly cpuPerConnection: number | null
  readonly more: Readonly<Record<string, number>>
  /** Each broken promise, as a sentence. */
  readonly broken: readonly string[]
}

export async function runScenario(bundle: Bundle, scenario: Scenario, ask: Ask): Promise<Outcome> {
  const followers = Math.min(100, Math.ceil(ask.clients / 4))
  const given = scenario.plan(ask)
  const nodes = given.nodes ?? ['a', 'b', 'c']
  const plan = {
    clients: ask.clients,
    followers,
    rate: ask.clients > 5_000 ? 0.2 : 1,
    sharedRate: ask.shared ?? (ask.small ? 50 : 200),
    nodes,
    proxy: ask.proxy,
    connectRate: 400,
    heartbeat: 10_000,
    perProcess: Math.max(50, Math.ceil(ask.clients / (ask.clients > 4_000 ? 4 : 2))),
    ...given,
  }
  const fleet = await startFleet(bundle, plan)
  try {
    await fleet.allLive(60_000)
    const before = await fleet.nodeStates()
    const profiles = process.env['CLUSTER_PROFILE']
    if (profiles) await fleet.profile()
    const facts = await scenario.run(fleet, ask)
    if (profiles) await fleet.profile(profiles)
    const nodeCost = costOf(before, await fleet.nodeStates(true), facts.until - facts.from)
    const verdict = await fleet.finish(facts)
    const all = { ...facts, more: { ...facts.more, subscriptions: plan.clients + plan.followers } }
    return outcomeOf(scenario, ask, verdict, all, nodeCost)
  } finally {
    await fleet.close()
  }
}

type States = Awaited<ReturnType<Awaited<ReturnType<typeof startFleet>>['nodeStates']>>

/** The memory of a node before its first connection, as `memory` measures it. */
const EMPTY_NODE = 60 * 1024 * 1024

function costOf(before: States, after: States, elapsed: number) {
  let legs = 0
  let rss = 0
  let cpu = 0
  let counted = 0
  for (const [name, state] of after) {
    legs += state.legs
    rss += Math.max(0, state.rss - EMPTY_NODE)
    const earlier = before.get(name)
    if (!earlier || earlier.cpu > state.cpu) continue
    cpu += state.cpu - earlier.cpu
    counted += state.legs
  }
  return {
    // With few legs the number says nothing.
    memory: legs >= 500 ? rss / legs : null,
    cpu: counted >= 100 && elapsed > 1_000 ? (cpu / 1_000 / (elapsed + 3_000) / counted) * 100 : null,
  }
}

function outcomeOf(
  scenario: Scenario,
  ask: Ask,
  verdict: Verdict & { readonly overturned: number },
  facts: Awaited<ReturnType<Scenario['run']>>,
  cost: { memory: number | null; cpu: number | null },
): Outcome {
  const { lost, repeated, reordered, refusedButDelivered, backAfter, latency } = verdict
  const broken = [
    ...(lost > 0 ? [`${lost} messages were lost: ${verdict.losses.join('; ')}`] : []),
    ...(repeated > 0 ? [`${repeated} messages came twice`] : []),
    ...(reordered > 0 ? [`${reordered} messages came out of order`] : []),
    ...(refusedButDelivered > 0
      ? [`${refusedButDelivered} refused messages were delivered (${JSON.stringify(verdict.refusals)})`]
      : []),
    ...(verdict.overturned > 0
      ? [`${verdict.overturned} messages were applied after they had been told to be unknown`]
      : []),
    ...(verdict.delivered === 0 ? ['nothing was delivered'] : []),
    ...(verdict.closed > 0 ? [`${verdict.closed} clients gave up`] : []),
    ...(scenario.broken?.(verdict, facts, ask) ?? []),
  ]
  const round = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? null : Math.round(value))
  return {
    scenario: scenario.name,
    proxy: ask.proxy,
    clients: ask.clients,
    lost,
    repeated,
    reordered,
    gaps: verdict.gaps,
    lostInGaps: verdict.lostInGaps,
    notLive: verdict.away,
    published: verdict.published,
    delivered: verdict.delivered,
    refused: verdict.refused,
    unknown: verdict.unknown,
    overturned: verdict.overturned,
    longestSilence: Math.round(verdict.longestSilence),
    dials: verdict.dials,
    dialPeak: verdict.dialPeak,
    broke: verdict.broke,
    timeToDrain: round(facts.drain),
    backP99: round(quantile(backAfter, 0.99)),
    backAll: round(backAfter.at(-1)),
    latencyP50: round(quantile(latency, 0.5)),
    latencyP99: round(quantile(latency, 0.99)),
    memoryPerConnection: round(cost.memory ?? undefined),
    cpuPerConnection: cost.cpu === null ? null : Number(cost.cpu.toFixed(4)),
    more: facts.more ?? {},
    broken,
  }
}
