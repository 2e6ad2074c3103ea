import { parseArgs } from 'node:util'
import { installed } from '../../test/kit/programs.js'
import { writeResults } from '../kit/results.js'
import { bundlePrograms } from './bundle.js'
import { compareLatency, compareMemory, type Comparison } from './compare.js'
import { comparisonTable, table } from './table.js'
import { runScenario, type Outcome } from './run-scenario.js'
import { SCENARIOS } from './scenarios.js'

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', multiple: true },
    proxy: { type: 'string', default: 'haproxy' },
    clients: { type: 'string' },
    shared: { type: 'string' },
    small: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

/** Comparisons with a bare server, one after the other. */
const COMPARISONS = ['memory', 'latency']
const NAMES = [...SCENARIOS.map(({ name }) => name), ...COMPARISONS]

const HELP = `npm run cluster                            every scenario, with three nodes, Redis, a proxy and thousands of clients in processes of their own; exit code 1 if a promise was broken
  -- --scenario NAME                        only this scenario, or several: ${NAMES.join(', ')}
  -- --proxy nginx|haproxy                  the proxy in front of the nodes; default haproxy
  -- --clients 500                          number of clients, instead of each scenario's own
  -- --shared 50                            messages a second in the topic that a hundred clients follow; default 200
  -- --small                                60 clients and short waits: seconds, not minutes
  -- --json                                 one line of JSON for each scenario`

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}

if (values.help) {
  console.log(HELP)
} else {
  const { proxy, json, small } = values
  if (proxy !== 'nginx' && proxy !== 'haproxy') fail(`--proxy must be nginx or haproxy, not "${proxy}".`)
  const clients = values.clients === undefined ? undefined : Number(values.clients)
  if (clients !== undefined && !(Number.isInteger(clients) && clients > 0))
    fail(`--clients must be a whole number above 0, not "${values.clients}".`)
  const shared = values.shared === undefined ? undefined : Number(values.shared)
  if (shared !== undefined && !(shared > 0)) fail(`--shared must be a number above 0, not "${values.shared}".`)
  const wanted = values.scenario ?? NAMES
  const unknown = wanted.find((name) => !NAMES.includes(name))
  if (unknown !== undefined) fail(`There is no scenario "${unknown}". There are: ${NAMES.join(', ')}.`)

  const bundle = await bundlePrograms()
  const outcomes: Outcome[] = []
  const comparisons: Comparison[] = []
  let failed = false
  const tell = (result: Outcome | Comparison) => {
    if (json) console.log(JSON.stringify(result))
    else for (const sentence of result.broken) console.error(`  BROKEN: ${sentence}`)
  }
  try {
    for (const scenario of SCENARIOS) {
      if (!wanted.includes(scenario.name)) continue
      if (scenario.needs && !installed(scenario.needs)) {
        console.error(`NOT RUN: ${scenario.name}, since ${scenario.needs} is not installed here.`)
        continue
      }
      if (!json) console.error(`${scenario.name}: ${scenario.title}…`)
      const ask = { clients: clients ?? (small ? 60 : scenario.clients), proxy, small, shared } as const
      try {
        const outcome = await runScenario(bundle, scenario, ask)
        outcomes.push(outcome)
        tell(outcome)
      } catch (error) {
        // A scenario that throws is broken. The others still run.
        failed = true
        console.error(`  BROKEN: ${scenario.name}: ${(error as Error).message}`)
      }
    }
    for (const name of COMPARISONS) {
      if (!wanted.includes(name)) continue
      if (!json) console.error(`${name}: LiveSocket beside a bare ws server on Redis pub/sub…`)
      const comparison =
        name === 'memory'
          ? await compareMemory(bundle, clients ?? (small ? 500 : 5_000))
          : await compareLatency(bundle, clients ?? (small ? 100 : 1_000), small ? 3_000 : 15_000)
      comparisons.push(comparison)
      tell(comparison)
    }
  } finally {
    await bundle.remove()
  }
  const text = [outcomes.length > 0 ? table(outcomes) : '', comparisonTable(comparisons)].filter(Boolean).join('\n\n')
  writeResults('cluster', {
    json: JSON.stringify({ outcomes, comparisons }, null, 2),
    md: `## Cluster\n\n\`\`\`\n${text}\n\`\`\``,
  })
  if (!json) console.log(`\n${text}`)
  process.exitCode = failed || [...outcomes, ...comparisons].some(({ broken }) => broken.length > 0) ? 1 : 0
}
