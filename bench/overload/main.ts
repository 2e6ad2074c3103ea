import { parseArgs } from 'node:util'
import { writeResults } from '../kit/results.js'
import { builtFolder, PRESENT } from './build.js'
import { LIVE_SCENARIOS, SMALL_LIVE, type LiveScenario } from './live-scenarios.js'
import { arrived, lived, reportTable, returns, type Report } from './report.js'
import { ARRIVALS, runArrivals, SMALL_ARRIVALS, type ArrivalOutcome, type ArrivalScenario } from './run-arrivals.js'
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

type AnyScenario = Scenario | LiveScenario | ArrivalScenario

const WHOLE: readonly AnyScenario[] = [...SCENARIOS, ...LIVE_SCENARIOS, ARRIVALS]
const QUICK: readonly AnyScenario[] = [...SMALL, ...SMALL_LIVE, SMALL_ARRIVALS]
const ALL = values.small ? QUICK : WHOLE
const names = (scenarios: readonly AnyScenario[]) => scenarios.map(({ name }) => name).join(', ')

const HELP = `npm run overload                          every scenario, with LiveSocket and with reconnecting-websocket and ws; each side is a process
  -- --scenario NAME                      only this scenario, or several: ${names(WHOLE)}
  -- --baseline DIR                       another version in the same run: a folder with a built dist
  -- --only livesocket|before|plain       only this contender, or several
  -- --runs 3                             number of runs, whose medians are shown
  -- --small                              ${names(QUICK)}: seconds each
  -- --json                               one line of JSON for each run`

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

/** A server without drains is not drained, and a server without topics has no messages while all clients are live. */
function plays(scenario: AnyScenario, contender: Contender): boolean {
  return ('kind' in scenario && scenario.kind === 'crash') || contender.name !== 'plain'
}

async function main() {
  const runs = Number(values.runs)
  if (!(Number.isInteger(runs) && runs > 0)) fail(`--runs must be a whole number from 1 on, not "${values.runs}".`)
  const wanted = values.scenario ?? ALL.map(({ name }) => name)
  const unknown = wanted.find((name) => !ALL.some((scenario) => scenario.name === name))
  if (unknown !== undefined) fail(`There is no scenario "${unknown}". There are: ${names(ALL)}.`)
  const outcomes: Outcome[] = []
  const live: LiveOutcome[] = []
  const arrivals: ArrivalOutcome[] = []
  for (const scenario of ALL.filter(({ name }) => wanted.includes(name))) {
    if (!values.json) console.error(`${scenario.name}: ${scenario.title}…`)
    for (let run = 0; run < runs; run++) {
      // The contenders take turns in going first.
      for (const contender of run % 2 === 0 ? contenders() : contenders().reverse()) {
        if (!plays(scenario, contender)) continue
        if ('kind' in scenario) tell(returns, outcomes, await runScenario(scenario, contender))
        else if ('trouble' in scenario) tell(lived, live, await runLive(scenario, contender))
        else tell(arrived, arrivals, await runArrivals(scenario, contender))
      }
    }
  }
  const text = [reportTable(returns, outcomes), reportTable(lived, live), reportTable(arrived, arrivals)]
    .filter(Boolean)
    .join('\n\n')
  const all = [...outcomes, ...live, ...arrivals]
  writeResults('overload', { json: JSON.stringify(all, null, 2), md: `## Overload\n\n${text}` })
  if (!values.json) console.log(`\n${text}`)
}

function tell<Seen>({ row }: Report<Seen>, all: Seen[], outcome: Seen) {
  all.push(outcome)
  if (values.json) console.log(JSON.stringify(outcome))
  else console.error(`  ${row([outcome]).join(' · ')}`)
}

if (values.help) console.log(HELP)
else
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
