import type { Random } from '../../base/clock.js'

/**
 * Between two rounds: `U(0, RETRY.first · 2ⁿ)`, at most `RETRY.most`, and never less than `RETRY.least`; n goes back to
 * 0 with a connection that lived for `RETRY.lived`. Milliseconds.
 */
const RETRY = { least: 50, first: 200, most: 2_000, lived: 5_000 }

export class RetryDelay {
  private readonly random: Random
  private attempts = 0

  constructor(random: Random) {
    this.random = random
  }

  /** One was lost, after so long. True: it was the first in a while. */
  lost(lived: number): boolean {
    if (lived >= RETRY.lived) this.attempts = 0
    return this.attempts === 0
  }

  /** Until the next try; each is later than the one before. */
  next(): number {
    return Math.max(RETRY.least, this.random() * Math.min(RETRY.most, RETRY.first * 2 ** this.attempts++))
  }
}
