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
  return new TokenBucket(clock)
}

class TokenBucket implements RetryBudget {
  readonly #clock: Pick<Clock, 'monotonic'>
  /** When all of it is there again. */
  #fullAt = -Infinity

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  take(): number {
    const now = this.#clock.monotonic()
    // Several that wait are one: each replaces the one before.
    this.#fullAt = Math.min(Math.max(now, this.#fullAt) + EACH, now + (FULL + 1) * EACH)
    return Math.max(0, this.#fullAt - now - FULL * EACH)
  }

  welcomed(): void {
    this.#fullAt -= WELCOME * EACH
  }
}
