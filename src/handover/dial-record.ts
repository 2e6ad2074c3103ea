import { instant, since, type Clock, type Instant } from '../base/clock.js'
import { createRetryBudget, type RetryBudget } from '../policy/retry-budget.js'

/**
 * The gap between two early attempts, in ms, which triples after each one that failed. So, whatever the hints, there
 * are three early attempts in the first minute of an outage and four in its first five, besides about six regular
 * dials.
 */
const LEAST = 10_000
const GROWTH = 3
const MOST = 300_000

/** What is known from the dials so far, for the next one. */
export class DialRecord {
  /** The latest result of the application's `url`. */
  configured: string | null = null
  /** The spread that a server named, ms. */
  spread: number | undefined
  /** Whether a leg has served since `connect`. */
  everServed = false
  /** The URL of the last failed dial, or of the leg that fell silent. */
  inVain: string | null = null
  /** How long the last dial took up to its welcome, ms. */
  took = 0
  /** How many dials in a row opened and were not welcomed in time. */
  slow = 0
  /** Whether the last dial followed a first wait at a random place in the whole spread. */
  placed = false
  /** Whether a standby leg was refused as unauthorized in this handover, and a fresh token has been requested. */
  doubted = false
  /** How many early attempts have failed since the last success. */
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

  /** Whether a hint (a tab that is shown, a network that is back) may bring a waiting dial forward. */
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
    // A dial was welcomed: the hints were right.
    this.slow = this.early = 0
    this.retries.welcomed()
  }
}
