import { barChart, lineChart, type Line } from '../kit/chart.js'
import { rebin } from './measures.js'
import type { FleetSettings, ScenarioName } from './options.js'
import type { Outcome } from './scenarios.js'
import { count, duration, findings, title } from './table.js'

export interface Chart {
  readonly name: string
  readonly svg: string
}

/** Seconds of a run that a chart shows: after them nothing happens. */
const SHOWN: Partial<Record<ScenarioName, number>> = {
  'fleet-crash': 180,
  'node-crash': 120,
  'token-outage': 480,
  drain: 120,
  return: 120,
}

const MEANING: Record<ScenarioName, string> = {
  'login-burst':
    'All users got a token at the same moment. A timer at a fixed point of the lifetime keeps them in step forever; a random point for each token scatters them from the first refresh on.',
  'token-outage':
    'A client whose refresh fails keeps its valid token and tries again, sooner the less life the token has left. Here every client starts with LiveSocket’s scattered schedule, so that only the handling of failures differs.',
  'fleet-crash':
    'The spread of the first dials decides. Libraries with a spread of a second or less send all clients at once; most are refused, and come back in step. Libraries that fetch a token at every dial overload the token service too.',
  'node-crash':
    'The users of one node go to the other nodes. The spread that the crashed node advertised limits their load.',
  drain:
    'Each client opens its new socket before it closes the old one: nobody is offline. The server limits the rate of its requests to what the other nodes can take.',
  'rolling-deploy':
    'A balancer that knows nothing of versions puts legs on nodes that are still to be drained, and those legs hand over again. If the drain names the url of a new node, each client hands over only once.',
  return:
    'Each server greets as fast as it can and queues the other clients, with the product’s own admission; servers of other libraries queue all of them. If clients leave before their turn, the work for them is wasted, and they come again.',
  'slow-drain':
    'The product’s own drain and admission: the receiving server answers busy, clients report that to the drained server, and it asks no more clients than the other can take. A deadline that cannot be met is reported within the first seconds.',
  'flaky-network':
    'The browser reports a change of network, so only this user was hit and the first dial is early. The chart shows the median time until live again.',
}

export function charts(scenario: ScenarioName, outcomes: readonly Outcome[], settings: FleetSettings): Chart[] {
  const first = outcomes[0]!
  // A chart of a deploy ends with the deploy: nothing happens after it.
  const shown = SHOWN[scenario] ?? (first.took === undefined ? Infinity : Math.ceil(first.took / 1_000) + 60)
  const step = Math.min(shown, first.series.requests.length) > 1_000 ? 10 : 1
  const cut = (values: ArrayLike<number>) =>
    Array.from({ length: Math.min(values.length, shown) }, (_, i) => values[i]!)
  const perSecond = (values: ArrayLike<number>) =>
    step === 1 ? cut(values) : Array.from(rebin(cut(values), step), (sum) => sum / step)
  const lines = outcomes.map(({ policy, series }): Line => ({ name: policy, values: perSecond(series.requests) }))
  const peak = Math.max(...outcomes.map((outcome) => outcome.peakPerSecond))
  const made: Chart[] = []
  const heading = title(first, settings)
  if (scenario === 'flaky-network') {
    const bars = outcomes.map(({ policy, recovered50 }) => ({
      name: policy,
      value: recovered50,
      label: duration(recovered50),
    }))
    return [{ name: scenario, svg: barChart(heading, bars) }]
  }
  made.push({
    name: scenario,
    svg: lineChart({
      title: heading,
      unit: `${first.series.of} per second`,
      lines,
      step,
      log: outcomes.length > 1 && peak > 8 * first.peakPerSecond,
      limit: { name: `capacity ${count(first.series.capacity)}/s`, value: first.series.capacity },
    }),
  })
  if (first.series.offline) {
    const affected = Math.max(...Array.from(first.series.offline))
    made.push({
      name: `${scenario}-offline`,
      svg: lineChart({
        title: 'Share of those users who are offline',
        unit: 'offline',
        lines: outcomes.map(({ policy, series }) => ({
          name: policy,
          values: cut(series.offline!).map((value) => value / affected),
        })),
        step: 1,
        percent: true,
      }),
    })
    made.push({
      name: `${scenario}-recovered`,
      svg: barChart(
        'Until 99 % of them are live again',
        outcomes.map(({ policy, recovered99 }) => ({ name: policy, value: recovered99, label: duration(recovered99) })),
      ),
    })
  }
  return made
}

/** One HTML file without scripts or external resources, to be opened or sent. */
export function htmlReport(all: readonly (readonly Outcome[])[], settings: FleetSettings, advice: string): string {
  const sections = all.map((outcomes) => {
    const first = outcomes[0]!
    const head = findings(first)
      .map(([name]) => `<th>${name}</th>`)
      .join('')
    const rows = outcomes
      .map(
        (outcome) =>
          `<tr><th>${outcome.policy}</th>${findings(outcome)
            .map(([, value]) => `<td>${value}</td>`)
            .join('')}</tr>`,
      )
      .join('')
    const drawn = charts(first.scenario, outcomes, settings)
      .map(({ svg }) => svg)
      .join('')
    return `<section id="${first.scenario}"><h2>${title(first, settings)}</h2><p>${MEANING[first.scenario]}</p><div class="wide"><table><tr><th></th>${head}</tr>${rows}</table></div>${drawn}</section>`
  })
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>LiveSocket fleet report</title>
<style>body{max-width:800px;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif}svg{width:100%;height:auto;margin:.5rem 0;border-radius:6px}table{border-collapse:collapse;font-size:14px}th,td{padding:.25rem .75rem .25rem 0;text-align:right;border-bottom:1px solid #8884;vertical-align:bottom}tr>:first-child{text-align:left;white-space:nowrap}.wide{overflow-x:auto}pre{white-space:pre-wrap;padding:1rem;border:1px solid #8884;border-radius:6px}</style>
<h1>What ${count(settings.clients)} users do to your servers</h1>
<p>LiveSocket’s own policy code, and the documented retry rules of other libraries, in virtual time. ${settings.nodes} nodes, ${count(settings.accepts)} new connections a second each; a token service of ${count(settings.tokenCapacity)} requests a second; tokens of ${duration(settings.lifetime)}. Seed ${settings.seed}.</p>
<h2>Which rate and spread</h2><pre>${advice}</pre>
${sections.join('\n')}
</html>
`
}
