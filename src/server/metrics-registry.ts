import { invalid, shown } from '../base/invalid.js'
import { valuesOf, type Metric } from './metric.js'
import { callOut, type OnError } from './reporter.js'

/** The part of a `Registry` of `prom-client` that is needed. */
export interface MetricsRegistry {
  /** Adds a metric by its name; throws if that name is taken. */
  registerMetric(metric: any): void
  /** Removes the metric with that name. */
  removeSingleMetric(name: string): void
}

/** Throws `invalid` for a value that is not a registry. */
export function checkRegistry(given: unknown): void {
  const { registerMetric, removeSingleMetric } = (given ?? {}) as Partial<MetricsRegistry>
  if (given !== undefined && (typeof registerMetric !== 'function' || typeof removeSingleMetric !== 'function'))
    throw invalid(`registry must be a Registry of prom-client, not ${shown(given)}`)
}

/**
 * Adds a server's metrics to a registry, which reads each of them when it is scraped. Throws what the registry throws,
 * and then leaves none behind. The result removes them again.
 */
export function registerMetrics(
  registry: MetricsRegistry,
  metrics: () => readonly Metric[],
  onError: OnError,
): () => void {
  const names: string[] = []
  const leave = () => {
    for (const name of names.splice(0))
      callOut(
        () => registry.removeSingleMetric(name),
        (error) => onError(error, 'leaving the registry'),
      )
  }
  try {
    for (const { name, help, type } of metrics()) {
      registry.registerMetric({
        // A registry for OpenMetrics strips the `_total`.
        name,
        help,
        type,
        aggregator: 'sum',
        get() {
          const { name: asked } = this
          const now = metrics().find((metric) => metric.name === name)!
          return Promise.resolve({ name: asked, help, type, aggregator: 'sum', values: valuesOf(now, asked) })
        },
        // Counters of what has happened cannot be reset.
        reset: () => undefined,
      })
      names.push(name)
    }
  } catch (error) {
    leave()
    throw error
  }
  return leave
}
