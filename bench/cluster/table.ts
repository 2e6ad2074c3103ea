import type { Comparison } from './compare.js'
import type { Outcome } from './run-scenario.js'

const number = (value: number | null, digits = 0) =>
  value === null ? '–' : value.toLocaleString('en-US', { maximumFractionDigits: digits })
const seconds = (value: number | null) => (value === null ? '–' : `${(value / 1_000).toFixed(1)} s`)
const ms = (value: number | null) => (value === null ? '–' : `${number(value)} ms`)

const COLUMNS: readonly (readonly [string, (outcome: Outcome) => string])[] = [
  ['scenario', ({ scenario }) => scenario],
  ['clients', ({ clients }) => number(clients)],
  ['delivered', ({ delivered }) => number(delivered)],
  ['lost', ({ lost }) => number(lost)],
  ['twice', ({ repeated }) => number(repeated)],
  ['reordered', ({ reordered }) => number(reordered)],
  ['gaps', ({ gaps }) => number(gaps)],
  ['refused', ({ refused }) => number(refused)],
  ['unknown', ({ unknown }) => number(unknown)],
  ['not live', ({ notLive }) => number(notLive)],
  ['silence', ({ longestSilence }) => ms(longestSilence)],
  ['dials/s', ({ dialPeak }) => number(dialPeak)],
  ['drain', ({ timeToDrain }) => seconds(timeToDrain)],
  ['back p99', ({ backP99 }) => seconds(backP99)],
  ['p99', ({ latencyP99 }) => ms(latencyP99)],
  [
    'memory',
    ({ memoryPerConnection }) => (memoryPerConnection === null ? '–' : `${number(memoryPerConnection / 1_024)} KB`),
  ],
  ['cpu', ({ cpuPerConnection }) => (cpuPerConnection === null ? '–' : `${number(cpuPerConnection, 3)} %`)],
  ['', ({ broken }) => (broken.length === 0 ? 'kept' : 'BROKEN')],
]

/** One line for each scenario. */
export function table(outcomes: readonly Outcome[]): string {
  const rows = [COLUMNS.map(([title]) => title), ...outcomes.map((outcome) => COLUMNS.map(([, cell]) => cell(outcome)))]
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function comparisonTable(comparisons: readonly Comparison[]): string {
  const shown = (value: number, unit: string) =>
    unit === 'bytes' ? `${(value / 1_024).toFixed(1)} KB` : `${number(value, 1)} ${unit}`
  return comparisons
    .map(
      ({ comparison, clients, liveSocket, bare, unit, broken }) =>
        `${comparison}, ${number(clients)} clients: ${shown(liveSocket, unit)}, bare ws ${shown(bare, unit)}; ${broken.length === 0 ? 'kept' : 'BROKEN'}`,
    )
    .join('\n')
}
