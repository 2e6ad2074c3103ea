import { since, type Clock, type Instant } from '../base/clock.js'
import type { TokenReason } from '../policy/token-news.js'
import { callGap, scheduleByServer, type TokenSchedule } from '../policy/token-schedule.js'

/**
 * Ends that differ by less than this, in ms, are the same. A server repeats a token's end rounded, and the message
 * spends some milliseconds under way.
 */
const SAME_END = 1_000

/** What is known of a token on arrival. */
export interface GivenToken {
  readonly token: string
  /** Increases with every new token, over all tabs. */
  readonly generation: number
  readonly reason: TokenReason
  /** When its request started. */
  readonly start: Instant
  readonly schedule: TokenSchedule
  /** Neither token nor provider said how long the token lives, so a server's statement is believed. */
  readonly assumed?: boolean
}

/** A token that this tab fetched, or received from another tab, and its current state. */
export class TokenGrant {
  schedule: TokenSchedule
  /**
   * The least time from this token's call to the next one, in milliseconds. It depends on the token's own lifetime,
   * whatever a server says.
   */
  readonly gap: number
  /** A server wants the token renewed early. */
  cutShort = false
  /** A server called the token almost dead on arrival: what it says about this token is not believed. */
  stillborn = false
  acceptedAt: Instant | null = null
  refused = false
  readonly given: GivenToken
  readonly #clock: Clock

  constructor(clock: Clock, given: GivenToken) {
    this.#clock = clock
    this.given = given
    this.schedule = given.schedule
    this.gap = callGap(given.schedule.lifetime)
  }

  get token(): string {
    return this.given.token
  }

  get generation(): number {
    return this.given.generation
  }

  /** Milliseconds since its request started. */
  get age(): number {
    return since(this.#clock, this.given.start)
  }

  /** Milliseconds until the token may be refused; negative if it is dead. */
  get left(): number {
    return this.schedule.dead - this.age
  }

  get usable(): boolean {
    return !this.refused && this.left > 0
  }

  /**
   * A server says that the token lives `ttl` ms more. This only adjusts the token's end. A server knows less about it
   * than the issuer, unless it will end the token sooner. Returns whether anything changes.
   */
  lives(ttl: number): boolean {
    const { age, gap, schedule } = this
    const left = schedule.lifetime - age
    const more = ttl - left
    this.stillborn = age < gap && ttl < gap && ttl < left / 2
    if (this.stillborn) return true
    if (Math.abs(more) <= SAME_END || (more > 0 && !this.given.assumed)) return false
    this.schedule = scheduleByServer(schedule, age, ttl)
    this.cutShort ||= more < 0
    return true
  }
}
