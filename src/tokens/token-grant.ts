import { since, type Clock, type Instant } from '../base/clock.js'
import type { TokenReason } from '../policy/token-news.js'
import { callGap, type TokenSchedule } from '../policy/token-schedule.js'
import type { TabToken } from './token-tabs.js'

/** A token that was given to this tab, or to another one which told of it, and what is known of its life. */
export class TokenGrant implements TabToken {
  readonly token: string
  readonly generation: number
  readonly start: Instant
  readonly reason: TokenReason
  schedule: TokenSchedule
  /** Neither token nor provider said how long it lives: a server that knows is believed. */
  readonly assumed: boolean
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
  readonly #clock: Clock

  constructor(clock: Clock, { token, generation, start, reason, schedule }: TabToken, assumed: boolean) {
    this.#clock = clock
    this.token = token
    this.generation = generation
    this.start = start
    this.reason = reason
    this.schedule = schedule
    this.assumed = assumed
    this.gap = callGap(schedule.lifetime)
  }

  /** Milliseconds since its request started. */
  get age(): number {
    return since(this.#clock, this.start)
  }

  /** Milliseconds until it may be refused; below 0 where it is dead. */
  get left(): number {
    return this.schedule.dead - this.age
  }

  get usable(): boolean {
    return !this.refused && this.left > 0
  }
}
