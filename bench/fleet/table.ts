import { bounds } from '../../src/policy/bounds.js'
import type { FleetSettings } from './options.js'
import type { Outcome } from './scenarios.js'

export const count = (value: number) => Math.round(value).toLocaleString('en-US')
export const percent = (share: number) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 2 : 0)} %`
export const duration = (ms: number | null) => {
  if (ms === null) return 'never'
  if (ms >= 600_000) return `${Number((ms / 60_000).toFixed(1))} min`
  return `${Number((ms / 1_000).toFixed(ms < 9_950 ? 2 : 1))} s`
}

/** Milliseconds that the capacity needs for all clients. */
const need = ({ clients, series }: Outcome) => (clients / series.capacity) * 1_000

function ofNeed(outcome: Outcome): string {
  return outcome.recovered99 === null ? 'never' : `${(outcome.recovered99 / need(outcome)).toFixed(2)} ×`
}

function told({ late }: Outcome): string {
  if (!late) return '–'
  return `after ${duration(late.at)}: ${late.needs === null ? 'never' : duration(late.needs)} more`
}

/** The numbers of an outcome that matter for its scenario. */
export function findings(outcome: Outcome): [string, string][] {
  const { scenario } = outcome
  switch (scenario) {
    case 'login-burst':
      return [
        ['mean/s', count(outcome.meanPerSecond)],
        ['peak/s', count(outcome.peakPerSecond)],
        ['peak/mean at refresh 1, 2, … (10 s)', (outcome.peakToMean ?? []).map((ratio) => ratio.toFixed(2)).join(' ')],
      ]
    case 'token-outage':
      return [
        ['mean/s', count(outcome.meanPerSecond)],
        ['peak requests/s', count(outcome.peakPerSecond)],
        ['users with an expired token', percent(outcome.expiredShare)],
        ['calls beyond the schedule', count(outcome.tokenCalls)],
        ['99 % of failed calls repaired', duration(outcome.recovered99)],
      ]
    case 'drain':
    case 'rolling-deploy':
      return [
        ['peak dials/s', count(outcome.peakPerSecond)],
        ['took', duration(outcome.took ?? null)],
        ['handovers per client', (outcome.movesPerClient ?? 0).toFixed(2)],
      ]
    case 'return':
      return [
        ['peak hellos/s', count(outcome.peakPerSecond)],
        ['dials per client', (outcome.attemptsPerClient ?? 0).toFixed(2)],
        ['half live again', duration(outcome.recovered50)],
        ['99 % live again', duration(outcome.recovered99)],
        ['beside what the capacity needs', ofNeed(outcome)],
        ['wasted calls', percent((outcome.wasted ?? 0) / Math.max(1, outcome.calls ?? 0))],
      ]
    case 'slow-drain':
      return [
        ['all live', duration(outcome.took ?? null)],
        ['beside what the receiver needs', outcome.took ? `${(outcome.took / need(outcome)).toFixed(2)} ×` : 'never'],
        ['dials per client', (outcome.attemptsPerClient ?? 0).toFixed(2)],
        ['closed at the deadline', count(outcome.forced ?? 0)],
        ['not live for a moment', count(outcome.notLive ?? 0)],
        ['deadline reported as too short', told(outcome)],
      ]
    default:
      return [
        ['peak dials/s', count(outcome.peakPerSecond)],
        ['dials per client', (outcome.attemptsPerClient ?? 0).toFixed(1)],
        ['half live again', duration(outcome.recovered50)],
        ['99 % live again', duration(outcome.recovered99)],
        ['token calls caused', count(outcome.tokenCalls)],
      ]
  }
}

/** Several outcomes of one scenario, as text. */
export function table(outcomes: readonly Outcome[]): string {
  const first = outcomes[0]
  if (!first) return ''
  const head = ['', ...findings(first).map(([name]) => name)]
  const rows = outcomes.map((outcome) => [outcome.policy, ...findings(outcome).map(([, value]) => value)])
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('   ')
      .trimEnd()
  return [line(head), ...rows.map(line)].join('\n')
}

export const title = (
  { scenario, clients }: Outcome,
  { nodes, accepts, legs, rate, spread = bounds.spread.otherwise, tokenCapacity, down, drains, taker }: FleetSettings,
): string => {
  const users = count(clients)
  switch (scenario) {
    case 'login-burst':
      return `Login burst: ${users} users log in at the same moment`
    case 'token-outage':
      return `Token outage: the token service (${count(tokenCapacity)}/s) is down for ${duration(down ?? 60_000)}`
    case 'fleet-crash':
      return `Whole-fleet crash: ${users} legs gone at once, ${nodes} nodes back after ${duration(down ?? 3_000)}, spread ${duration(spread)}`
    case 'node-crash':
      return `One node of ${nodes} crashes, spread ${duration(spread)}`
    case 'drain':
      return `Paced drain: one node with ${count(legs)} legs at ${count(rate)}/s`
    case 'rolling-deploy':
      return `Rolling deploy: ${nodes} nodes, one after the other, at ${count(rate)}/s`
    case 'return':
      return `Return: ${users} legs gone at once, ${nodes} nodes back after ${duration(down ?? 3_000)}, each greets ${count(accepts)}/s and queues the rest`
    case 'slow-drain':
      return `Slow drain: ${drains} × ${count(legs)} legs at ${count(rate)}/s into one node that greets ${count(taker)}/s`
    case 'flaky-network':
      return 'Flaky network: each user loses Wi-Fi once, and the browser says so'
  }
}
