import type { Clock } from '../base/clock.js'
import { createRetryBudget, type RetryBudget } from '../policy/retry-budget.js'
import { EarlyAttempts } from './early-attempts.js'

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
  readonly early: EarlyAttempts
  readonly retries: RetryBudget

  constructor(clock: Clock) {
    this.early = new EarlyAttempts(clock)
    this.retries = createRetryBudget(clock)
  }

  connect(): void {
    this.everServed = false
    this.inVain = null
  }

  welcomed(spread: number | undefined, took: number): void {
    this.spread = spread ?? this.spread
    this.inVain = null
    this.everServed = true
    this.took = took
    this.slow = 0
    this.early.welcomed()
    this.retries.welcomed()
  }
}
