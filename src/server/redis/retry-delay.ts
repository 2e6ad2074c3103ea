import type { Random } from '../../base/clock.js'

/**
 * Milliseconds between two rounds: `U(0, RETRY.first · 2ⁿ)`, at most `RETRY.most`, and at least `RETRY.least`. A
 * connection that lived for `RETRY.lived` resets n to 0.
 */
const RETRY = { least: 50, first: 200, most: 2_000, lived: 5_000 }

export class RetryDelay {
  private readonly random: Random
  private attempts = 0

  constructor(random: Random) {
    this.random = random
  }

  /** A connection was lost that lived for that many milliseconds. True: it is the first loss in a while. */
  lost(lived: number): boolean {
    if (lived >= RETRY.lived) this.attempts = 0
    return this.attempts === 0
  }

  /** Milliseconds until the next try; the range doubles each time. */
  next(): number {
    return Math.max(RETRY.least, this.random() * Math.min(RETRY.most, RETRY.first * 2 ** this.attempts++))
  }
}
