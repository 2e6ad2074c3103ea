import { parseArgs } from 'node:util'
import { table } from '../../test/kit/table.js'
import { writeResults } from '../kit/results.js'
import { spread } from '../kit/spread.js'
import { builtFolder, PRESENT } from './build.js'
import { LIVE_SCENARIOS, SMALL_LIVE, type LiveScenario } from './live-scenarios.js'
import { runLive, type LiveOutcome } from './run-live.js'
import { runScenario, type Contender, type Outcome } from './run-scenario.js'
import { SCENARIOS, SMALL, type Scenario } from './scenarios.js'

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    baseline: { type: 'string' },
    runs: { type: 'string', default: '1' },
    small: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const ALL: readonly (Scenario | LiveScenario)[] = values.small
  ? [...SMALL, ...SMALL_LIVE]
  : [...SCENARIOS, ...LIVE_SCENARIOS]

const HELP = `npm run overload                          every scenario, LiveSocket and reconnecting-websocket with ws, each side a process
  -- --scenario NAME                      one of them, or several: ${[...SCENARIOS, ...LIVE_SCENARIOS].map(({ name }) => name).join(', ')}
  -- --baseline DIR                       a folder with a built dist of another version, in the same run
  -- --only livesocket|before|plain       only this contender, or several
  -- --runs 3                             of which the medians are told
  -- --small                              ${[...SMALL, ...SMALL_LIVE].map(({ name }) => name).join(', ')}: seconds each
  -- --json                               one JSON object a run, a line each`

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}

function contenders(): Contender[] {
  const all: Contender[] = [
    { name: 'livesocket', kind: PRESENT },
    ...(values.baseline === undefined ? [] : [{ name: 'before', kind: builtFolder(values.baseline) }]),
    { name: 'plain', kind: 'plain' },
  ]
  return values.only === undefined ? all : all.filter(({ name }) => values.only!.includes(name))
}

/** A server that knows no drain closes nothing, and one that knows no topics has nothing to say while all are live. */
function plays(scenario: Scenario | LiveScenario, contender: Contender): boolean {
  return ('kind' in scenario && scenario.kind === 'crash') || contender.name !== 'plain'
}

async function main() {
  const runs = Number(values.runs)
  if (!(Number.isInteger(runs) && runs > 0)) fail(`--runs must be a whole number from 1 on, not "${values.runs}".`)
  const wanted = values.scenario ?? ALL.map(({ name }) => name)
  const unknown = wanted.find((name) => !ALL.some((scenario) => scenario.name === name))
  if (unknown !== undefined)
    fail(`There is no scenario "${unknown}". There are: ${ALL.map(({ name }) => name).join(', ')}.`)
  const outcomes: Outcome[] = []
  const lived: LiveOutcome[] = []
  for (const scenario of ALL.filter(({ name }) => wanted.includes(name))) {
    if (!values.json) console.error(`${scenario.name}: ${scenario.title}…`)
    for (let run = 0; run < runs; run++) {
      for (const contender of contenders()) {
        if (!plays(scenario, contender)) continue
        if ('kind' in scenario) tell(outcomes, await runScenario(scenario, contender), row)
        else tell(lived, await runLive(scenario, contender), liveRow)
      }
    }
  }
  const text = [report(HEAD, outcomes, row), report(LIVE_HEAD, lived, liveRow)].filter(Boolean).join('\n\n')
  writeResults('overload', { json: JSON.stringify([...outcomes, ...lived], null, 2), md: `## Overload\n\n${text}` })
  if (!values.json) console.log(`\n${text}`)
}

const HEAD = [
  'scenario',
  'contender',
  'live',
  'all live',
  'of what is needed',
  '99 %',
  'dials a client',
  'wasted calls',
  'not live',
  'handed over / cut',
  'memory',
]

const LIVE_HEAD = [
  'scenario',
  'contender',
  'stored, and not',
  'lost / twice / out of order',
  'missed, as told',
  'refused',
  'slowed',
  'another topic, p99',
  'calm after',
  'needed',
  'dials a client',
  'memory',
]

function tell<Seen>(all: Seen[], outcome: Seen, rowOf: (outcomes: readonly Seen[]) => string[]) {
  all.push(outcome)
  if (values.json) console.log(JSON.stringify(outcome))
  else console.error(`  ${rowOf([outcome]).join(' · ')}`)
}

/** One row for all runs of a contender. Empty where there was none. */
function report<Seen extends { readonly scenario: string; readonly contender: string }>(
  head: readonly string[],
  outcomes: readonly Seen[],
  rowOf: (outcomes: readonly Seen[]) => string[],
): string {
  const groups = new Map<string, Seen[]>()
  for (const outcome of outcomes) {
    const key = `${outcome.scenario} ${outcome.contender}`
    groups.set(key, [...(groups.get(key) ?? []), outcome])
  }
  return groups.size === 0 ? '' : table(head, [...groups.values()].map(rowOf))
}

const medianOf =
  <Seen>(outcomes: readonly Seen[]) =>
  (of: (outcome: Seen) => number) =>
    spread(outcomes.map(of)).median
const seconds = (ms: number) => (Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : 'never')

function liveRow(outcomes: readonly LiveOutcome[]): string[] {
  const [first] = outcomes as [LiveOutcome]
  const median = medianOf(outcomes)
  // What may never happen is told where it happened once.
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
    `${median(({ wasted }) => wasted)} of ${median(({ calls }) => calls)}`,
    `${median(({ notLive }) => notLive)}, longest ${seconds(median(({ longestDown }) => longestDown))}`,
    first.moved === null ? '–' : `${median(({ moved }) => moved!)} / ${median(({ forced }) => forced!)}`,
    `${median(({ memory }) => memory).toFixed(2)} ×`,
  ]
}

if (values.help) console.log(HELP)
else
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
