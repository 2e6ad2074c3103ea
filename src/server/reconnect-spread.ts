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

/** No second is to bring more than a tenth above the rate. */
const ABOVE = 1.1
/** Of clients that each draw their moment, so many deviations more come in the busiest second than on average. */
const CHANCE = 3
/** The fewer they are the more that is: no window is made wider by more than a fifth for it. */
const WIDER = 1.2

/** So many a second on average, where about as many are the most that any second is to bring. */
function evened(rate: number): number {
  return Math.min(rate, Math.max(rate / WIDER, rate * ABOVE - CHANCE * Math.sqrt(rate)))
}

/**
 * The window over which this server's clients are to spread should it vanish, from the clients that it has: with `{
 * rate }` as wide as it takes the others to accept them all. Without an option that rate is the most that this server
 * ever welcomed in a second, with room for chance, and where it has not welcomed anybody nothing is said. Throws
 * `invalid`.
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
      return best === 0 ? undefined : within(connections, evened(best), SPREAD.unasked)
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
