import { parseArgs } from 'node:util'
import { bundlePrograms } from './bundle.js'
import { table } from './table.js'
import { runScenario, type Outcome } from './run-scenario.js'
import { SCENARIOS } from './scenarios.js'

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', multiple: true },
    proxy: { type: 'string', default: 'haproxy' },
    clients: { type: 'string' },
    small: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const HELP = `npm run cluster                            every scenario: three nodes, Redis, a proxy and thousands of clients, each a process; exit 1 if a promise broke
  -- --scenario NAME                        one of them, or several: ${SCENARIOS.map(({ name }) => name).join(', ')}
  -- --proxy nginx|haproxy                  what stands in front; default haproxy
  -- --clients 500                          how many, in place of each scenario's own number
  -- --small                                60 clients and short waits: seconds, not minutes
  -- --json                                 one JSON object a scenario, a line each`

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
  if (clients !== undefined && !(Number.isInteger(clients) && clients > 0)) fail(`--clients must be a whole number above 0, not "${values.clients}".`)
  const wanted = values.scenario ?? SCENARIOS.map(({ name }) => name)
  const scenarios = wanted.map((name) => SCENARIOS.find((scenario) => scenario.name === name) ?? fail(`There is no scenario "${name}". There are: ${SCENARIOS.map((one) => one.name).join(', ')}.`))

  const bundle = await bundlePrograms()
  const outcomes: Outcome[] = []
  try {
    for (const scenario of scenarios) {
      if (!json) console.error(`${scenario.name}: ${scenario.title}…`)
      const ask = { clients: clients ?? (small ? 60 : scenario.clients), proxy, small } as const
      const outcome = await runScenario(bundle, scenario, ask)
      outcomes.push(outcome)
      if (json) console.log(JSON.stringify(outcome))
      else for (const sentence of outcome.broken) console.error(`  BROKEN: ${sentence}`)
    }
  } finally {
    await bundle.remove()
  }
  if (!json) console.log(`\n${table(outcomes)}`)
  process.exitCode = outcomes.some(({ broken }) => broken.length > 0) ? 1 : 0
}
