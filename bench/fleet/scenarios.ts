import type { Random } from '../../src/base/clock.js'
import { bounds } from '../../src/policy/bounds.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { createService, type Service } from './capacity.js'
import { before, livesocket, type ClientPolicy } from './client-policy.js'
import { simulateDrain, simulateRollingDeploy } from './drains.js'
import { createFleet, type Fleet, type FleetRun } from './fleet.js'
import { missing, peak, peakToMean, quantile } from './measures.js'
import type { NodeKind } from './greeting-node.js'
import type { FleetSettings, ScenarioName } from './options.js'
import { greetable, simulateReturn } from './returns.js'
import { simulateSlowDrains } from './slow-drains.js'

/** The result of a scenario. Milliseconds; null if it does not apply or was not reached. */
export interface Outcome {
  readonly scenario: ScenarioName
  readonly policy: string
  readonly clients: number
  /** The load of the measured service in a normal second. */
  readonly meanPerSecond: number
  /** The highest load in one second, of token requests or dials. */
  readonly peakPerSecond: number
  /**
   * One ratio for each refresh, in bins of 10 s; and in bins of 1 s, where a timer at a fixed point fills a single bin.
   */
  readonly peakToMean?: readonly number[]
  readonly peakToMean1s?: readonly number[]
  /** The share of clients that held an expired token. */
  readonly expiredShare: number
  /** Token calls beyond the schedule. */
  readonly tokenCalls: number
  readonly scheduledTokenCalls: number
  /** Dials for each client that lost its leg. */
  readonly attemptsPerClient: number | null
  /**
   * The time until clients that lost their leg are live again; in the token outage, until clients whose call failed
   * have a fresh token.
   */
  readonly recovered50: number | null
  readonly recovered99: number | null
  /** The time until the last client has handed over, in scenarios with handovers. */
  readonly took?: number
  readonly movesPerClient?: number
  /** All calls of the identity service and the log for greetings, and those whose client had left. */
  readonly calls?: number
  readonly wasted?: number
  /** Legs that a drain closed at its deadline, and clients that were not live for some time. */
  readonly forced?: number
  readonly notLive?: number
  /** When a drain first reported that it cannot meet its deadline, and how long it would take. Null: it can. */
  readonly late?: { readonly at: number; readonly needs: number | null } | null
  readonly series: Series
}

/** For the charts: one number for each second. */
export interface Series {
  readonly requests: ArrayLike<number>
  readonly of: 'token requests' | 'dials'
  readonly capacity: number
  /** Clients without a leg. */
  readonly offline?: ArrayLike<number>
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** The time within which clients notice a crash, ms. */
const CRASH_NOISE = 300
/** When the trouble begins, so that charts show the time before it. */
const BEGIN = 30 * SECOND

const DURATION: Record<ScenarioName, number> = {
  'login-burst': 60 * MINUTE,
  'token-outage': 15 * MINUTE,
  'fleet-crash': 10 * MINUTE,
  'node-crash': 10 * MINUTE,
  drain: 10 * MINUTE,
  'rolling-deploy': 60 * MINUTE,
  'flaky-network': 10 * MINUTE,
  return: 20 * MINUTE,
  'slow-drain': 20 * MINUTE,
}

export function simulate(scenario: ScenarioName, settings: FleetSettings, policy: ClientPolicy = livesocket): Outcome {
  const random = seededRandom(settings.seed)
  const horizon = settings.duration ?? DURATION[scenario]
  const { clients, nodes, accepts, refusalCost, lifetime, dial } = settings
  const spread = settings.spread ?? bounds.spread.otherwise
  const fleetWide = nodes * accepts

  function world(over: { tokens?: Service; servers?: Service }): { fleet: Fleet; tokens: Service; servers: Service } {
    const tokens = over.tokens ?? createService({ capacity: Infinity, horizon })
    const servers = over.servers ?? createService({ capacity: fleetWide, refusalCost, horizon })
    const fleet = createFleet({
      clients,
      policy,
      random,
      horizon,
      lifetime,
      spread,
      dialTime: dial,
      tokenService: tokens,
      servers,
      // Only the login burst compares the schedules of the libraries. Elsewhere all begin with a scattered schedule,
      // which is the best case for them.
      scheduleBy: scenario === 'login-burst' && policy.refreshAge ? policy : livesocket,
    })
    return { fleet, tokens, servers }
  }

  function outcome(run: FleetRun, service: Service, of: Series['of'], capacity: number): Outcome {
    const { lost } = run
    const [times, hit] = of === 'dials' ? [run.recoveries, lost] : [run.renewals, run.failed]
    const dialled = of === 'dials' ? service.asked.bins.reduce((sum, count) => sum + count, 0) : 0
    return {
      scenario,
      policy: policy.name,
      clients,
      meanPerSecond: of === 'dials' ? 0 : clients / (run.meanRefreshAge / SECOND),
      peakPerSecond: peak(service.asked.bins),
      expiredShare: run.expired / clients,
      tokenCalls: run.extraCalls,
      scheduledTokenCalls: run.scheduledCalls,
      attemptsPerClient: lost > 0 ? dialled / lost : null,
      recovered50: quantile(times, 0.5, hit),
      recovered99: quantile(times, 0.99, hit),
      series: {
        requests: service.asked.bins,
        of,
        capacity,
        ...(lost > 0 ? { offline: missing(run.wentDown.bins, run.cameUp.bins) } : {}),
      },
    }
  }

  function crash(share: number, down: number, survivors: number): Outcome {
    const servers = createService({
      capacity: survivors * accepts,
      refusalCost,
      horizon,
      ...(down > 0 ? { down: { from: BEGIN, to: BEGIN + down } } : {}),
    })
    const { fleet } = world({ servers })
    fleet.settled()
    const hit = Math.round(clients * share)
    for (let client = 0; client < hit; client++) fleet.lose(client, BEGIN + random() * CRASH_NOISE, false)
    return outcome(fleet.run(), servers, 'dials', survivors * accepts)
  }

  switch (scenario) {
    case 'login-burst': {
      const { fleet, tokens } = world({})
      fleet.loginBurst()
      const run = fleet.run()
      const result = outcome(run, tokens, 'token requests', settings.tokenCapacity)
      const ratios = (width: number) => peakToMean(tokens.asked.bins, run.meanRefreshAge, result.meanPerSecond, width)
      return { ...result, peakToMean: ratios(10), peakToMean1s: ratios(1) }
    }
    case 'token-outage': {
      const tokens = createService({
        capacity: settings.tokenCapacity,
        horizon,
        down: { from: BEGIN, to: BEGIN + (settings.down ?? MINUTE) },
      })
      const { fleet } = world({ tokens })
      fleet.settled()
      return outcome(fleet.run(), tokens, 'token requests', settings.tokenCapacity)
    }
    case 'fleet-crash':
      return crash(1, settings.down ?? 3 * SECOND, nodes)
    case 'node-crash':
      // The balancer sends the users of the crashed node to the other nodes, which are up.
      return crash(1 / nodes, 0, nodes - 1)
    case 'flaky-network': {
      const { fleet, servers } = world({})
      fleet.settled()
      for (let client = 0; client < clients; client++)
        fleet.lose(client, BEGIN + random() * (horizon - 2 * MINUTE), true)
      return outcome(fleet.run(), servers, 'dials', fleetWide)
    }
    case 'return':
      return returned(settings, policy, random, horizon)
    case 'slow-drain':
      return drainedSlowly(settings, random, horizon)
    case 'drain':
    case 'rolling-deploy': {
      const moves =
        scenario === 'drain'
          ? simulateDrain(settings, random, horizon)
          : simulateRollingDeploy(settings, random, horizon)
      const clients = scenario === 'drain' ? settings.legs : settings.clients
      return {
        scenario,
        policy: livesocket.name,
        clients,
        meanPerSecond: moves.moved / (moves.took / SECOND),
        peakPerSecond: peak(moves.dials.bins),
        expiredShare: 0,
        tokenCalls: 0,
        scheduledTokenCalls: 0,
        attemptsPerClient: moves.moved / clients,
        recovered50: 0,
        recovered99: 0,
        took: moves.took,
        movesPerClient: moves.moved / clients,
        series: { requests: moves.dials.bins, of: 'dials', capacity: (nodes - 1) * accepts },
      }
    }
  }
}

/** How the servers of these clients treat clients that wait. */
export function kindOf(policy: ClientPolicy): NodeKind {
  if (policy === livesocket) return 'admission'
  return policy === before ? 'bounded' : 'bare'
}

const total = (bins: ArrayLike<number>) => Array.from(bins).reduce((sum, count) => sum + count, 0)
const NO_TOKENS = { expiredShare: 0, tokenCalls: 0, scheduledTokenCalls: 0 }

function returned(settings: FleetSettings, policy: ClientPolicy, random: Random, horizon: number): Outcome {
  const { clients, down = 3 * SECOND } = settings
  const seen = simulateReturn({ ...settings, down, policy, kind: kindOf(policy), random, horizon })
  return {
    scenario: 'return',
    policy: policy.name,
    clients,
    ...NO_TOKENS,
    meanPerSecond: 0,
    peakPerSecond: peak(seen.hellos.bins),
    attemptsPerClient: total(seen.dials.bins) / clients,
    recovered50: quantile(seen.recoveries, 0.5, clients),
    recovered99: quantile(seen.recoveries, 0.99, clients),
    calls: seen.calls,
    wasted: seen.wasted,
    series: {
      requests: seen.hellos.bins,
      of: 'dials',
      capacity: greetable(settings),
      offline: missing(seen.wentDown.bins, seen.greeted.bins),
    },
  }
}

function drainedSlowly(settings: FleetSettings, random: Random, horizon: number): Outcome {
  const { legs, drains, rate, taker } = settings
  const deadline = settings.deadline ?? Math.ceil((legs / rate) * 1.2) * SECOND + 30 * SECOND
  const seen = simulateSlowDrains({ ...settings, deadline, random, horizon })
  const clients = legs * drains
  return {
    scenario: 'slow-drain',
    policy: livesocket.name,
    clients,
    ...NO_TOKENS,
    meanPerSecond: 0,
    peakPerSecond: peak(seen.dials.bins),
    attemptsPerClient: total(seen.dials.bins) / clients,
    recovered50: null,
    recovered99: null,
    ...(seen.took === null ? undefined : { took: seen.took }),
    movesPerClient: seen.moved / clients,
    forced: seen.forced,
    notLive: seen.notLive,
    late: seen.late[0] ?? null,
    series: { requests: seen.dials.bins, of: 'dials', capacity: taker },
  }
}
