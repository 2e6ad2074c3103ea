import { table } from '../../test/kit/table.js'
import type { Measure, Part, Unit } from './measure.js'

/** The measures of a part as a Markdown table: a row for each contender, a column for each measured quantity. */
export function measureTable(measures: readonly Measure[]): string {
  const columns = distinct(measures.map(({ what }) => what))
  const contenders = distinct(measures.map(({ contender }) => contender))
  const cell = (contender: string, what: string) => {
    const found = measures.find((measure) => measure.contender === contender && measure.what === what)
    return found ? shown(found) : '–'
  }
  return table(
    ['', ...columns],
    contenders.map((contender) => [contender, ...columns.map((what) => cell(contender, what))]),
  )
}

export function partText({ title, how }: Part, measures: readonly Measure[]): string {
  return `## ${title}\n\n${how}\n\n${measureTable(measures)}\n`
}

/** The median, and the range of the rounds if they differ. */
export function shown({ median, least, most, unit }: Measure): string {
  const text = `${amount(median, unit)}${unit === '×' ? '' : ` ${scaled(median, unit)}`}`
  if (amount(least, unit) === amount(most, unit)) return text
  return `${text} (${amount(least, unit, median)}–${amount(most, unit, median)})`
}

/** From 1,000 on, bytes are shown in kB. */
function scaled(like: number, unit: Unit): string {
  return unit === 'B' && Math.abs(like) >= 1_000 ? 'kB' : unit
}

function amount(value: number, unit: Unit, like: number = value): string {
  const number = scaled(like, unit) === 'kB' ? value / 1_000 : value
  const digits =
    unit === '×' || (Math.abs(number) < 10 && unit !== 'B' && unit !== '/s') ? 2 : Math.abs(number) < 100 ? 1 : 0
  return number.toLocaleString('en-US', {
    minimumFractionDigits: unit === 'B' && Math.abs(value) < 1_000 ? 0 : digits,
    maximumFractionDigits: digits,
  })
}

export function distinct<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)]
}
