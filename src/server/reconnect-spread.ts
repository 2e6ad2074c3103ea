import { bounds } from '../policy/bounds.js'
import { numberOf } from './bounds.js'
import { invalid, shown } from '../base/invalid.js'

/** Milliseconds; or so many that others accept the connections at that rate, a second. */
export type ReconnectSpread = number | { readonly rate: number }

/**
 * Below a second it spreads nothing; the most is what clients take. Unasked it is never more than what clients do
 * without a word.
 */
const SPREAD = { least: 1_000, most: bounds.spread.most, unasked: bounds.spread.otherwise }

/**
 * The window over which this server's clients are to spread should it vanish, from the connections that it has: with `{
 * rate }` as wide as it takes the others to accept them all. Without an option that rate is the most that this server
 * ever welcomed in a second, and where it has not welcomed anybody nothing is said. Throws `invalid`.
 */
export function reconnectSpread(
  option: ReconnectSpread | undefined,
  bestSecond: () => number,
): (connections: number) => number | undefined {
  const within = (connections: number, rate: number, most: number) =>
    Math.min(most, Math.max(SPREAD.least, Math.ceil((connections / rate) * 1_000)))
  if (option === undefined) {
    return (connections) => {
      const best = bestSecond()
      return best === 0 ? undefined : within(connections, best, SPREAD.unasked)
    }
  }
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
  return (connections) => within(connections, rate, SPREAD.most)
}
