import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { advise, adviceText } from './advice.js'
import { before, fixedPoint, livesocket, peers, type ClientPolicy } from './client-policy.js'
import { HELP, readCommand, SCENARIOS, type FleetCommand, type FleetSettings, type ScenarioName } from './options.js'
import { isMetastable, region, regionChart, timesIdeal } from './region.js'
import { charts, htmlReport } from './report.js'
import { simulate, type Outcome } from './scenarios.js'
import { duration, table, title } from './table.js'

/** The policies that have a rule for the subject of the scenario. */
function rivals(scenario: ScenarioName): readonly ClientPolicy[] {
  switch (scenario) {
    case 'login-burst':
      return [fixedPoint, ...peers.filter((peer) => peer.refreshAge)]
    case 'token-outage':
      return peers.filter((peer) => peer.tokenRetryDelay)
    case 'drain':
    case 'rolling-deploy':
    case 'slow-drain':
      return []
    case 'return':
      return [before, ...peers]
    default:
      return peers
  }
}

function run(scenario: ScenarioName, { settings }: FleetCommand, withPeers: boolean): Outcome[] {
  return [livesocket, ...(withPeers ? rivals(scenario) : [])].map((policy) => simulate(scenario, settings, policy))
}

/** The numbers without the series, rounded to the digits that mean something. */
function json({ series: _, ...outcome }: Outcome) {
  return rounded(outcome)
}

function rounded(numbers: object) {
  const text = JSON.stringify(numbers, (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(7)) : value,
  )
  return JSON.parse(text) as Record<string, unknown>
}

function main(command: FleetCommand) {
  if (command.help) return console.log(HELP)
  const { settings } = command
  if (command.advise) {
    const advice = advise(settings)
    if (!command.json) return console.log(adviceText(settings, advice))
    const proof = Object.fromEntries(Object.entries(advice.proof).map(([name, outcome]) => [name, json(outcome)]))
    return console.log(JSON.stringify({ ...advice, proof }))
  }
  if (command.region !== undefined) return drawRegion(command.region, settings)
  const scenarios = command.scenario ? [command.scenario] : SCENARIOS
  const report = command.html !== undefined || command.charts !== undefined
  const all: Outcome[][] = []
  for (const scenario of scenarios) {
    const outcomes = run(scenario, command, command.peers || report)
    all.push(outcomes)
    if (!command.json) console.log(`${title(outcomes[0]!, settings)}\n${table(outcomes)}\n`)
  }
  if (command.json) {
    const objects = all.map(([ours, ...others]) => ({
      ...json(ours!),
      ...(others.length > 0 ? { peers: others.map(json) } : {}),
    }))
    console.log(JSON.stringify(command.scenario ? objects[0] : { scenarios: objects }))
  }
  if (command.charts !== undefined) {
    mkdirSync(command.charts, { recursive: true })
    for (const outcomes of all) {
      for (const { name, svg } of charts(outcomes[0]!.scenario, outcomes, settings))
        writeFileSync(join(command.charts, `${name}.svg`), svg)
    }
  }
  if (command.html !== undefined)
    writeFileSync(command.html, htmlReport(all, settings, adviceText(settings, advise(settings))))
}

/** Writes the chart and its data. */
function drawRegion(folder: string, settings: FleetSettings) {
  const cells = region(settings, (seen) => {
    const { policy, spread, capacity, recovered99 } = seen
    const times = timesIdeal(seen)
    console.error(
      `${policy}${spread === null ? '' : `, spread ${duration(spread)}`}, ${capacity} × the capacity: ${duration(recovered99)}${times === null ? '' : `, ${times.toFixed(2)} × the ideal`}`,
    )
  })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'metastable.svg'), regionChart(cells, settings))
  writeFileSync(join(folder, 'metastable.json'), `${JSON.stringify(cells.map(rounded), null, 1)}\n`)
  for (const policy of new Set(cells.map(({ policy }) => policy))) {
    const all = cells.filter((one) => one.policy === policy)
    console.log(`${policy}: metastable in ${all.filter(isMetastable).length} of ${all.length}`)
  }
}

try {
  main(readCommand(process.argv.slice(2)))
} catch (error) {
  console.error(`${(error as Error).message}\nnpm run fleet -- --help lists the options.`)
  process.exitCode = 2
}
