import { invalid, shown } from '../base/invalid.js'
import { valuesOf, type Metric } from './metric.js'
import { callOut, type OnError } from './reporter.js'

/** As much as is needed of a `Registry` of `prom-client`. */
export interface MetricsRegistry {
  /** Takes a metric, by its name; throws where that is taken. */
  registerMetric(metric: any): void
  /** Forgets the metric of that name. */
  removeSingleMetric(name: string): void
}

/** Throws `invalid` for what is no registry. */
export function checkRegistry(given: unknown): void {
  const { registerMetric, removeSingleMetric } = (given ?? {}) as Partial<MetricsRegistry>
  if (given !== undefined && (typeof registerMetric !== 'function' || typeof removeSingleMetric !== 'function'))
    throw invalid(`registry must be a Registry of prom-client, not ${shown(given)}`)
}

/**
 * Puts a server's metrics into a registry, each asked for when it is scraped. Throws what the registry throws, and then
 * has put none there. The result takes them out again.
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
        // A registry of OpenMetrics takes the _total off.
        name,
        help,
        type,
        aggregator: 'sum',
        get() {
          const { name: asked } = this
          const now = metrics().find((metric) => metric.name === name)!
          return Promise.resolve({ name: asked, help, type, aggregator: 'sum', values: valuesOf(now, asked) })
        },
        // What has happened has happened.
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
