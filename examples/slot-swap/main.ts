import { parseArgs } from 'node:util'
import { installed } from '../../test/kit/programs.js'
import { OURS, WAYS, type Way } from './reader.js'
import { runSwaps, type Outcome } from './run-swaps.js'

const HELP = `npm run slot-swap             swaps two ASP.NET Core processes 20 times under 20 clients and 500 messages a second, for each way to connect; exit code 1 if a promise was broken
  -- --way ${Object.keys(WAYS).join('|')}   only this way; may be given several times
  -- --small                  all ways at once with few clients, messages and swaps; takes seconds
  -- --json                   the results as JSON, one line for each way`

const { values } = parseArgs({
  options: {
    way: { type: 'string', multiple: true },
    small: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const wanted = (values.way ?? Object.keys(WAYS)) as Way[]
const unknown = wanted.find((way) => !(way in WAYS))
if (values.help) console.log(HELP)
else if (unknown !== undefined) {
  console.error(`There is no way "${unknown}".\n${HELP}`)
  process.exitCode = 2
} else if (!installed('dotnet') || !installed('redis-server')) {
  console.error('NOT RUN: the slots are ASP.NET Core processes on Redis, and need dotnet 10 and redis-server.')
  process.exitCode = 2
} else {
  const plans = values.small
    ? [{ ways: wanted, clients: 3, swaps: 2, rate: 100 }]
    : wanted.map((way) => ({ ways: [way], clients: 20, swaps: 20, rate: 500 }))
  const outcomes: Outcome[] = []
  for (const plan of plans) {
    if (!values.json) console.error(`${plan.ways.map((way) => WAYS[way]).join('; ')}…`)
    outcomes.push(...(await runSwaps(plan, (line) => values.json || console.error(`  ${line}`))))
  }
  if (values.json) for (const outcome of outcomes) console.log(JSON.stringify(outcome))
  else console.table(outcomes)
  const broken = outcomes.filter(
    ({ way, lost, repeated, reordered, gaps, notLive, linesWrong }) =>
      (OURS as readonly Way[]).includes(way) && lost + repeated + reordered + gaps + notLive + linesWrong > 0,
  )
  for (const { way } of broken) console.error(`BROKEN: ${WAYS[way]}`)
  process.exitCode = broken.length > 0 ? 1 : 0
}
// SignalR's own client leaves timers running.
process.exit()
