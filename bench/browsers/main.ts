import { parseArgs } from 'node:util'
import type { BrowserName } from './driven-browser.js'
import { BROWSERS, openBrowser } from './open-browser.js'
import { runScenario, type Outcome } from './run-scenario.js'
import { SCENARIOS } from './scenarios.js'

const { values } = parseArgs({
  options: {
    browser: { type: 'string', multiple: true },
    scenario: { type: 'string', multiple: true },
    small: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const NAMES = SCENARIOS.map(({ name }) => name)

const HELP = `npm run browsers               every scenario in Chromium, Firefox and WebKitGTK; exit code 1 if a promise was broken
  -- --browser NAME            only this browser, or several: ${BROWSERS.join(', ')}
  -- --scenario NAME           only this scenario, or several: ${NAMES.join(', ')}
  -- --small                   fewer repetitions and short waits
  -- --json                    one line of JSON for each scenario and browser`

function chosen<Name extends string>(
  what: string,
  wanted: readonly string[] | undefined,
  names: readonly Name[],
): readonly Name[] {
  const unknown = wanted?.find((name) => !names.includes(name as Name))
  if (unknown !== undefined) {
    console.error(`There is no ${what} "${unknown}". There are: ${names.join(', ')}.`)
    process.exit(2)
  }
  return wanted ? names.filter((name) => wanted.includes(name)) : names
}

function line({
  scenario,
  delivered,
  lost,
  repeated,
  reordered,
  published,
  publishesWrong,
  moves,
  away,
  note,
  broken,
}: Outcome): string {
  const down = `${delivered} delivered, ${lost}/${repeated}/${reordered} lost/repeated/reordered`
  const up = `${published} published, ${publishesWrong} wrong`
  return [
    `  ${broken.length > 0 ? 'BROKEN' : 'kept  '}  ${scenario.padEnd(17)} ${down}; ${up}; ${moves} handovers; not live ${away} ms${note ? `; ${note}` : ''}`,
    ...broken.map((one) => `          ${one}`),
  ].join('\n')
}

async function play(name: BrowserName, scenarios: readonly string[]): Promise<boolean> {
  const { json, small } = values
  const browser = await openBrowser(name)
  let kept = true
  if (!json) console.log(browser.product)
  try {
    for (const scenario of SCENARIOS) {
      if (!scenarios.includes(scenario.name)) continue
      const cannot = scenario.cannot?.[name]
      if (cannot) {
        console.log(
          json
            ? JSON.stringify({ browser: name, scenario: scenario.name, notRun: cannot })
            : `  NOT RUN ${scenario.name.padEnd(17)} ${cannot}`,
        )
        continue
      }
      try {
        const outcome = await runScenario(browser, scenario, { small })
        kept &&= outcome.broken.length === 0
        console.log(json ? JSON.stringify({ product: browser.product, ...outcome }) : line(outcome))
      } catch (error) {
        // A scenario that throws is broken. The others still run.
        kept = false
        console.log(
          json
            ? JSON.stringify({
                product: browser.product,
                browser: name,
                scenario: scenario.name,
                broken: [String(error)],
              })
            : `  BROKEN  ${scenario.name.padEnd(17)} ${String(error)}`,
        )
      }
    }
  } finally {
    await browser.close()
  }
  return kept
}

if (values.help) {
  console.log(HELP)
} else {
  const scenarios = chosen('scenario', values.scenario, NAMES)
  let kept = true
  for (const name of chosen('browser', values.browser, BROWSERS)) kept = (await play(name, scenarios)) && kept
  process.exit(kept ? 0 : 1)
}
