import type { Clock } from '../base/clock.js'

/**
 * How many dials a session may make after failed ones: a bucket of tokens. Most outages never empty it. If most dials
 * fail, for whatever reason and with whatever delays, the budget limits their number.
 */
export interface RetryBudget {
  /** Takes one token. Returns the milliseconds until that token is available: 0 while some are left. */
  take(): number
  /** A dial was welcomed, which returns some tokens. */
  welcomed(): void
}

const FULL = 10
/** Milliseconds after which one token returns on its own. */
const EACH = 3_000
const WELCOME = 5

export function createRetryBudget(clock: Pick<Clock, 'monotonic'>): RetryBudget {
  return new TokenBucket(clock)
}

class TokenBucket implements RetryBudget {
  readonly #clock: Pick<Clock, 'monotonic'>
  /** When the bucket is full again. */
  #fullAt = -Infinity

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  take(): number {
    const now = this.#clock.monotonic()
    // Several waiting dials count as one, since each replaces the one before.
    this.#fullAt = Math.min(Math.max(now, this.#fullAt) + EACH, now + (FULL + 1) * EACH)
    return Math.max(0, this.#fullAt - now - FULL * EACH)
  }

  welcomed(): void {
    this.#fullAt -= WELCOME * EACH
  }
}
