import type { Distribution } from './distribution.js'

/** One number or distribution, as Prometheus reads it. */
export type Metric = {
  readonly name: string
  readonly help: string
} & (
  | {
      /** A counter never goes down while the process lives; its name ends in `_total`. */
      readonly type: 'counter' | 'gauge'
      readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[]
    }
  | {
      /** The distribution's milliseconds are reported in seconds, as Prometheus expects. */
      readonly type: 'histogram'
      readonly distribution: Distribution
    }
)

/** The values of a metric, one for each line of the text format. */
export function valuesOf(metric: Metric, name = metric.name): MetricValue[] {
  if (metric.type !== 'histogram')
    return metric.samples.map(({ labels = {}, value }) => ({ metricName: name, labels, value }))
  const { bounds, counts, sum, count } = metric.distribution
  let below = 0
  const buckets = counts.map((times, at) => {
    const bound = bounds[at]
    below += times
    return {
      metricName: `${name}_bucket`,
      labels: { le: bound === undefined ? '+Inf' : `${bound / 1_000}` },
      value: below,
    }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: sum / 1_000 },
    { metricName: `${name}_count`, labels: {}, value: count },
  ]
}

interface MetricValue {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}
