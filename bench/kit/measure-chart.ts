import { barCharts } from './chart.js'
import type { Measure } from './measure.js'
import { distinct, shown } from './table.js'

/** The medians of a part as bars, with a group for each measured quantity. */
export function measureChart(title: string, measures: readonly Measure[]): string {
  const groups = distinct(measures.map(({ what }) => what)).map((what) => ({
    name: what,
    bars: measures
      .filter((measure) => measure.what === what)
      .map((measure) => ({
        name: measure.contender,
        value: Math.max(0, measure.median),
        label: shown({ ...measure, least: measure.median, most: measure.median }),
      })),
  }))
  return barCharts(title, groups)
}
