import { since, type Clock, type Instant } from '../base/clock.js'
import type { TokenReason } from '../policy/token-news.js'
import { callGap, type TokenSchedule } from '../policy/token-schedule.js'

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
}
