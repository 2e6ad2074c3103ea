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
  #tokens = FULL
  #at: number

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
    this.#at = clock.monotonic()
  }

  take(): number {
    const now = this.#clock.monotonic()
    this.#add((now - this.#at) / EACH)
    this.#at = now
    // Several that wait are one: each replaces the one before.
    this.#tokens = Math.max(-1, this.#tokens - 1)
    return this.#tokens >= 0 ? 0 : -this.#tokens * EACH
  }

  welcomed(): void {
    this.#add(WELCOME)
  }

  #add(more: number) {
    this.#tokens = Math.min(FULL, this.#tokens + more)
  }
}
