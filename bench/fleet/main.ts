import { HELP, readCommand, SCENARIOS } from './options.js'
import { simulate } from './scenarios.js'

const command = readCommand(process.argv.slice(2))
if (command.help) console.log(HELP)
for (const scenario of command.scenario ? [command.scenario] : SCENARIOS) {
  const begun = performance.now()
  const { series, ...outcome } = simulate(scenario, command.settings)
  console.log(JSON.stringify(outcome), Math.round(performance.now() - begun), 'ms', Math.round(process.memoryUsage().rss / 2 ** 20), 'MiB')
}
