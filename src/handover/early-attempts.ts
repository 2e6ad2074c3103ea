import { instant, since, type Clock, type Instant } from '../base/clock.js'

/**
 * Between two early attempts, ms, three times as long after each that came to nothing: whatever the hints, there are
 * three in the first minute of an outage and four in its first five, on top of some six dials that come by themselves.
 */
const LEAST = 10_000
const GROWTH = 3
const MOST = 300_000

/** How often a hint (a tab that is shown, a network that is back) may bring a dial forward that waits for its turn. */
export class EarlyAttempts {
  readonly #clock: Clock
  #last: Instant | null = null
  #inVain = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get left(): boolean {
    const gap = Math.min(MOST, LEAST * GROWTH ** Math.max(0, this.#inVain - 1))
    return this.#last === null || since(this.#clock, this.#last) >= gap
  }

  /** No early attempt has come to nothing since the last that did not. */
  get untried(): boolean {
    return this.#inVain === 0
  }

  take(): void {
    this.#last = instant(this.#clock)
    this.#inVain++
  }

  /** A dial came to a leg that serves: the hints were right. */
  welcomed(): void {
    this.#inVain = 0
  }
}
