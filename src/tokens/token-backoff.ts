import { instant, since, type Instant } from '../base/clock.js'
import { createPeriod, type Period } from '../base/period.js'
import type { TokenReason } from '../policy/token-news.js'
import { MIN_GAP, refreshDue, tokenRetryDelay } from '../policy/token-schedule.js'
import type { TokenGrant } from './token-grant.js'
import type { TokenKeeperDeps } from './token-part.js'

/** The longest timer: one that was set before a sleep would be late by the length of the sleep. */
export const LONGEST_TIMER = 60_000
/** Overdue by more than a throttled timer explains: the machine slept. */
const OVERSLEPT = 60_000
/** A building wakes, or comes back online, at one instant. */
const WAKE_JITTER = { visible: 1_000, hidden: 10_000 }
const ONLINE_JITTER = 1_000
/**
 * What closes and connects while calls are under way has so many of them for nothing; then the least gap between two
 * calls holds.
 */
const CALLS_DROPPED = 3

/** When the token provider is to be called, and why: in time, not too often, and later after each failure. */
export class TokenBackoff {
  /** Why the provider has to be called: kept from the moment it is due until a token is there. */
  wanted: TokenReason | null = null
  failures = 0
  /** In a row: calls that were given up because the live socket was closed. */
  dropped = 0
  lastCall: Instant | null = null
  /** Nobody calls the provider while it lasts. */
  readonly pause: Period
  readonly #deps: TokenKeeperDeps
  /** A call that was due waits for a network. */
  #heldOffline = false

  constructor(deps: TokenKeeperDeps) {
    this.#deps = deps
    this.pause = createPeriod(deps.clock)
  }

  /** There is a network again, and somebody waited for it. */
  get backOnline(): boolean {
    return this.#heldOffline && this.#online
  }

  begin(): Instant {
    return (this.lastCall = instant(this.#deps.clock))
  }

  /** Milliseconds until the provider is to be called. Sets `wanted` as soon as there is a reason. */
  untilCall(grant: TokenGrant | null, waiting: boolean, hidden: boolean): number {
    const { random } = this.#deps
    if (this.wanted === null) {
      if (grant) {
        const late = grant.age - refreshDue(grant.schedule, hidden)
        if (late < 0) return -late
        this.wanted = late > OVERSLEPT ? 'wake' : grant.cutShort ? 'requested' : 'scheduled'
        if (this.wanted === 'wake' && !waiting)
          this.pause.start(random() * (hidden ? WAKE_JITTER.hidden : WAKE_JITTER.visible))
      } else {
        if (!waiting) return Infinity
        this.wanted = 'first'
      }
    }
    if (!this.#online) {
      // A hint, not the truth: who has a token can wait for better news, who needs one tries at the usual pace.
      if (this.pause.left <= 0) this.#heldOffline = true
      if (grant?.usable || !waiting) return LONGEST_TIMER
    } else if (this.#heldOffline) {
      this.#heldOffline = false
      this.pause.start(random() * ONLINE_JITTER)
    }
    return this.untilNext(grant)
  }

  /** Milliseconds that a call which is wanted has to wait. */
  untilNext(grant: TokenGrant | null): number {
    return Math.max(0, this.pause.left, this.#gapLeft(grant))
  }

  /**
   * The minimum gap is for calls with a new reason. A failed call's repetition follows the retry rule, and the one call
   * after a refusal is made at once: a second refusal ends the session, so that cannot become a loop.
   */
  #gapLeft(grant: TokenGrant | null): number {
    if (!this.lastCall || this.wanted === 'rejected') return 0
    const gap = this.dropped >= CALLS_DROPPED ? MIN_GAP : grant && this.failures === 0 ? grant.gap : 0
    return gap - since(this.#deps.clock, this.lastCall)
  }

  /** A call failed; `left` is what the token in force still lives. Returns the delay of the next one. */
  failed(reason: TokenReason, left: number, retryAfter: number | undefined): number {
    const delay = tokenRetryDelay({ failures: this.failures, left, retryAfter }, this.#deps.random)
    // Without a network nobody was asked, and a failure says nothing of the token service; one that says when to come
    // back was reached.
    this.#heldOffline = !this.#online && retryAfter === undefined
    if (this.#heldOffline) this.lastCall = null
    else this.failures++
    this.wanted ??= reason
    this.pause.start(delay)
    return delay
  }

  /** A token is there. */
  satisfied(): void {
    this.wanted = null
    this.failures = this.dropped = 0
    this.#heldOffline = false
    this.pause.stop()
  }

  get #online(): boolean {
    return this.#deps.online?.() ?? true
  }
}
