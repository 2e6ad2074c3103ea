import { instant, since, type Clock, type Instant } from '../base/clock.js'

/** How often a hint (a tab that is shown, a network that is back) may bring a dial forward that waits for its turn. */
export interface EarlyAttempts {
  readonly left: boolean
  take(): void
  /** A dial came to a leg that serves: the hints were right. */
  welcomed(): void
}

/**
 * Between two early attempts, ms, three times as long after each that came to nothing: whatever the hints, there are
 * three in the first minute of an outage and four in its first five, on top of some six dials that come by themselves.
 */
const LEAST = 10_000
const GROWTH = 3
const MOST = 300_000

export function createEarlyAttempts(clock: Clock): EarlyAttempts {
  let last: Instant | null = null
  let inVain = 0
  return {
    get left() {
      return last === null || since(clock, last) >= Math.min(MOST, LEAST * GROWTH ** Math.max(0, inVain - 1))
    },
    take() {
      last = instant(clock)
      inVain++
    },
    welcomed: () => void (inVain = 0),
  }
}
