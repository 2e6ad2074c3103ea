import { instant, since, type Clock, type Instant } from '../base/clock.js'
import { createRetryBudget, type RetryBudget } from '../policy/retry-budget.js'

/**
 * Between two early attempts, ms, three times as long after each that came to nothing: whatever the hints, there are
 * three in the first minute of an outage and four in its first five, on top of some six dials that come by themselves.
 */
const LEAST = 10_000
const GROWTH = 3
const MOST = 300_000

/** What the dials so far have taught: the next one is made by it. */
export class DialRecord {
  /** The newest answer of the application's `url`. */
  configured: string | null = null
  /** The spread that a server named, ms. */
  spread: number | undefined
  /** A leg has served since `connect`. */
  everServed = false
  /** Where the last dial went in vain, or where the leg is that fell silent. */
  inVain: string | null = null
  /** What the last dial took up to its welcome, ms. */
  took = 0
  /** Dials in a row that a server opened and did not welcome in time. */
  slow = 0
  /** The last dial came when a wait over the whole spread was over. */
  placed = false
  /** A standby leg was refused as unauthorized in this handover, and a fresh token has been asked for. */
  doubted = false
  /** Early attempts that came to nothing since the last that did not. */
  early = 0
  readonly retries: RetryBudget
  readonly #clock: Clock
  #earlyAt: Instant | null = null

  constructor(clock: Clock) {
    this.#clock = clock
    this.retries = createRetryBudget(clock)
  }

  connect(): void {
    this.everServed = false
    this.inVain = null
  }

  /** Whether a hint (a tab that is shown, a network that is back) may bring a dial forward that waits for its turn. */
  get mayBeEarly(): boolean {
    const gap = Math.min(MOST, LEAST * GROWTH ** Math.max(0, this.early - 1))
    return this.#earlyAt === null || since(this.#clock, this.#earlyAt) >= gap
  }

  takeEarly(): void {
    this.#earlyAt = instant(this.#clock)
    this.early++
  }

  welcomed(spread: number | undefined, took: number): void {
    this.spread = spread ?? this.spread
    this.inVain = null
    this.everServed = true
    this.took = took
    // A dial came to a leg that serves: the hints were right.
    this.slow = this.early = 0
    this.retries.welcomed()
  }
}
