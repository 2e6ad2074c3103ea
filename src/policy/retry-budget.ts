import type { Clock } from '../base/clock.js'

/**
 * What a session may spend on dials that follow a failed one: a bucket of tokens. Most outages never empty it; where
 * most dials fail, whatever the reason and whatever each one's delay, it is what bounds them.
 */
export interface RetryBudget {
  /** Takes one. Milliseconds until it is there: 0 while there are some. */
  take(): number
  /** A dial was welcomed: some come back. */
  welcomed(): void
}

const FULL = 10
/** Milliseconds in which one comes back by itself. */
const EACH = 3_000
const WELCOME = 5

export function createRetryBudget(clock: Pick<Clock, 'monotonic'>): RetryBudget {
  let tokens = FULL
  let at = clock.monotonic()
  function add(more: number) {
    tokens = Math.min(FULL, tokens + more)
  }
  return {
    take() {
      const now = clock.monotonic()
      add((now - at) / EACH)
      at = now
      // Several that wait are one: each replaces the one before.
      tokens = Math.max(-1, tokens - 1)
      return tokens >= 0 ? 0 : -tokens * EACH
    },
    welcomed: () => add(WELCOME),
  }
}
