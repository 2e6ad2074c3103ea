import { since, type Clock, type Instant } from '../base/clock.js'
import type { TokenReason } from '../policy/token-news.js'
import { callGap, scheduleByServer, type TokenSchedule } from '../policy/token-schedule.js'

/** A server's word on a token's end repeats the last one, rounded, and some milliseconds under way. */
const SAME_END = 1_000

/** What is known of a token when it comes. */
export interface GivenToken {
  readonly token: string
  /** Rises with every new token, over all tabs. */
  readonly generation: number
  readonly reason: TokenReason
  /** When its request started. */
  readonly start: Instant
  readonly schedule: TokenSchedule
  /** Neither token nor provider said how long it lives: a server that knows is believed. */
  readonly assumed?: boolean
}

/** A token that was given to this tab, or to another one which told of it, and what becomes of it. */
export class TokenGrant {
  schedule: TokenSchedule
  /**
   * The next one is not asked for sooner after this one's call: by its own lifetime, whatever a server says of it.
   * Milliseconds.
   */
  readonly gap: number
  /** A server wants it renewed before its time. */
  cutShort = false
  /** A server called it dead when it came: its word on this one is not believed. */
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

  /** Milliseconds until it may be refused; below 0 where it is dead. */
  get left(): number {
    return this.schedule.dead - this.age
  }

  get usable(): boolean {
    return !this.refused && this.left > 0
  }

  /**
   * A server says that it lives `ttl` ms more. That is a word on the token's end, not a new token: a server knows less
   * than who issued it, unless it is going to end things sooner. Returns whether it changes anything.
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
