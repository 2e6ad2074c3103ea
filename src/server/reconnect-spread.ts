import { bounds } from '../policy/bounds.js'
import { numberOf } from './bounds.js'
import { invalid, shown } from '../base/invalid.js'

/** A number of milliseconds; or `{ rate }`, how many connections a second other servers can take. */
export type ReconnectSpread = number | { readonly rate: number }

/**
 * A window below a second spreads nothing, and clients take none above `most`. Without the option it never exceeds what
 * clients do on their own.
 */
const SPREAD = { least: 1_000, most: bounds.spread.most, unasked: bounds.spread.otherwise }

/** No second may bring more than a tenth above the rate. */
const ABOVE = 1.1
/**
 * When clients each draw a random moment, the busiest second gets this many standard deviations more than the average.
 */
const CHANCE = 3
/** The fewer clients there are, the larger that share is. It widens the window by at most a fifth. */
const WIDER = 1.2

/** The average number a second for which about `rate` is the most that any one second brings. */
function evened(rate: number): number {
  return Math.min(rate, Math.max(rate / WIDER, rate * ABOVE - CHANCE * Math.sqrt(rate)))
}

/**
 * The window over which this server's clients are to spread if it vanishes, computed from the number of its clients.
 * With `{ rate }` it is as wide as the other servers need to accept them all. Without the option the rate is the most
 * that this server has ever welcomed in a second, with room for chance; before its first welcome there is no window.
 * Throws `invalid`.
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
