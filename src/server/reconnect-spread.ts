import { atLeast, invalid, shown, type LiveServerOptions } from './options.js'

/** Below a second it spreads nothing; 5 min is the most that clients take. */
const SPREAD = { least: 1_000, most: 300_000 }

/**
 * The window over which this server's clients are to spread should it vanish, from the connections that it has: with `{ rate }` as wide
 * as it takes the others to accept them all. Undefined: not said. Throws `invalid`.
 */
export function reconnectSpread(option: LiveServerOptions['reconnectSpread']): (connections: number) => number | undefined {
  if (option === undefined) return () => undefined
  if (typeof option === 'number') {
    const spread = Math.floor(atLeast(0, 'reconnectSpread', option, 0))
    return () => spread
  }
  const { rate } = option
  if (!(typeof rate === 'number' && rate > 0)) throw invalid(`reconnectSpread.rate must be a number above 0, not ${shown(rate)}`)
  return (connections) => Math.min(SPREAD.most, Math.max(SPREAD.least, Math.ceil((connections / rate) * 1_000)))
}
