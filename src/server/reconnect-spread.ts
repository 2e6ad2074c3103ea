import { bounds } from '../policy/bounds.js'
import { numberOf } from './bounds.js'
import { invalid, shown } from './invalid.js'
import type { LiveServerOptions } from './options.js'

/** Below a second it spreads nothing; the most is what clients take. */
const SPREAD = { least: 1_000, most: bounds.spread.most }

/**
 * The window over which this server's clients are to spread should it vanish, from the connections that it has: with `{
 * rate }` as wide as it takes the others to accept them all. Undefined: not said. Throws `invalid`.
 */
export function reconnectSpread(
  option: LiveServerOptions['reconnectSpread'],
): (connections: number) => number | undefined {
  if (option === undefined) return () => undefined
  if (typeof option === 'number') {
    const spread = numberOf('reconnectSpread', option)
    return () => spread
  }
  if (typeof option !== 'object' || option === null || option.rate === undefined) {
    throw invalid(
      `reconnectSpread must be a number of milliseconds or { rate }, with reconnectSpread.rate above 0, not ${shown(option)}`,
    )
  }
  const rate = numberOf('reconnectSpread.rate', option.rate)
  return (connections) => Math.min(SPREAD.most, Math.max(SPREAD.least, Math.ceil((connections / rate) * 1_000)))
}
