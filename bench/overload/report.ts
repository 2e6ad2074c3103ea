import { table } from '../../test/kit/table.js'
import { spread } from '../kit/spread.js'
import type { ArrivalOutcome } from './run-arrivals.js'
import type { LiveOutcome } from './run-live.js'
import type { Outcome } from './run-scenario.js'

/** How outcomes of one kind are shown: one row for each contender, with the medians of its runs. */
export interface Report<Seen> {
  readonly head: readonly string[]
  row(outcomes: readonly Seen[]): string[]
}

const HEAD = [
  'scenario',
  'contender',
  'live',
  'all live',
  'beside the ideal',
  '99 %',
  'dials a client',
  'most in a second',
  'wasted calls',
  'not live',
  'handed over / cut',
  'memory',
  'clients stood still',
]

const LIVE_HEAD = [
  'scenario',
  'contender',
  'stored, of those lost',
  'lost / twice / out of order',
  'missed in gaps',
  'refused',
  'slowed',
  'another topic, p99',
  'calm after',
  'needed',
  'dials a client',
  'memory',
]

/** One row for all runs of a contender. Empty if there are no outcomes. */
export function reportTable<Seen extends { readonly scenario: string; readonly contender: string }>(
  { head, row }: Report<Seen>,
  outcomes: readonly Seen[],
): string {
  const groups = new Map<string, Seen[]>()
  for (const outcome of outcomes) {
    const key = `${outcome.scenario} ${outcome.contender}`
    groups.set(key, [...(groups.get(key) ?? []), outcome])
  }
  return groups.size === 0 ? '' : table(head, [...groups.values()].map(row))
}

const medianOf =
  <Seen>(outcomes: readonly Seen[]) =>
  (of: (outcome: Seen) => number) =>
    spread(outcomes.map(of)).median
const seconds = (ms: number) => (Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : 'never')

function liveRow(outcomes: readonly LiveOutcome[]): string[] {
  const [first] = outcomes as [LiveOutcome]
  const median = medianOf(outcomes)
  // Numbers that must be zero show the worst run instead of the median.
  const most = (of: (outcome: LiveOutcome) => number) => Math.max(...outcomes.map(of))
  return [
    first.scenario,
    first.contender,
    `${median(({ kept }) => kept)}, ${most(({ unkept }) => unkept)}`,
    [most(({ lost }) => lost), most(({ repeated, twice }) => repeated + twice), most((one) => one.reordered)].join(
      ' / ',
    ),
    String(median(({ missed }) => missed)),
    String(median(({ refused }) => Object.values(refused).reduce((sum, count) => sum + count, 0))),
    String(median(({ slowed }) => slowed)),
    `${median(({ quiet }) => quiet)} ms`,
    seconds(median(({ calm }) => calm ?? Infinity)),
    seconds(median(({ needed }) => needed)),
    median(({ dialsPerClient }) => dialsPerClient).toFixed(2),
    `${median(({ memory }) => memory).toFixed(2)} ×`,
  ]
}

function row(outcomes: readonly Outcome[]): string[] {
  const [first] = outcomes as [Outcome]
  const median = medianOf(outcomes)
  const all = median(({ allLive }) => allLive ?? Infinity)
  return [
    first.scenario,
    first.contender,
    `${median(({ live }) => live)} of ${first.clients}`,
    seconds(all),
    Number.isFinite(all) ? `${(all / first.needed).toFixed(2)} ×` : '–',
    seconds(median(({ live99 }) => live99 ?? Infinity)),
    median(({ dialsPerClient }) => dialsPerClient).toFixed(2),
    String(median(({ dialPeak }) => dialPeak)),
    `${median(({ wasted }) => wasted)} of ${median(({ calls }) => calls)}`,
    `${median(({ notLive }) => notLive)}, longest ${seconds(median(({ longestDown }) => longestDown))}`,
    first.moved === null ? '–' : `${median(({ moved }) => moved!)} / ${median(({ forced }) => forced!)}`,
    `${median(({ memory }) => memory).toFixed(2)} ×`,
    seconds(median(({ late }) => late)),
  ]
}

function arrivalRow(outcomes: readonly ArrivalOutcome[]): string[] {
  const [first] = outcomes as [ArrivalOutcome]
  const median = medianOf(outcomes)
  const ms = (of: (outcome: ArrivalOutcome) => number) => `${median(of).toFixed(2)} ms`
  return [first.scenario, first.contender, String(first.arrivals), ms(({ p50 }) => p50), ms(({ p99 }) => p99)]
}

export const returns: Report<Outcome> = { head: HEAD, row }
export const lived: Report<LiveOutcome> = { head: LIVE_HEAD, row: liveRow }
export const arrived: Report<ArrivalOutcome> = {
  head: ['scenario', 'contender', 'clients', 'dial to welcome, p50', 'p99'],
  row: arrivalRow,
}
