import { createAlarm, type Alarm } from '../base/alarm.js'
import { instant, since, type Instant } from '../base/clock.js'
import { agedAfter } from '../policy/delay.js'
import type { Handover } from './handover.js'
import { letGo } from './leg-end.js'
import type { HandoverAsk, State } from './state.js'

/** Time that a handover which the client wants by itself is given, ms. */
export const OWN_DEADLINE = 30_000
/**
 * Kept of a leg's age limit for the handover itself: its deadline, and the minute by which a hidden tab's timer may be
 * late.
 */
const AGE_ROOM = OWN_DEADLINE + 60_000

/** How long what is under way may take: a handover, an overlap, a leg's life, a silence. */
export class TimeLimits {
  readonly #handover: Handover
  #deadline: Alarm | null = null
  #deadlineOf: HandoverAsk | null = null
  #overlap: Alarm | null = null
  #overlapOf: { readonly leg: number; readonly limit: number } | null = null
  #age: Alarm | null = null
  #lastChance: Alarm | null = null

  constructor(handover: Handover) {
    this.#handover = handover
  }

  /** Arms what the state calls for. `cutAt`: when the present overlap began. */
  follow(state: State, cutAt: Instant | undefined): void {
    if (!state.active) {
      this.#age?.clear()
      this.#lastChance?.clear()
    }
    this.#followDeadline(state)
    this.#followOverlap(state, cutAt)
  }

  /** The age of the leg that serves from now on, counted from its dial, as platforms do. */
  ageFrom(dialledAt: Instant): void {
    const { clock, random, handover } = this.#handover.settings
    const { maxAge } = handover
    if (maxAge === null) return
    const limit = agedAfter(Math.max(maxAge / 2, maxAge - AGE_ROOM), random)
    const age = (this.#age ??= this.#alarm(() => {
      // Again and again: the limit does not go away.
      age.set(OWN_DEADLINE)
      this.#handover.leave('age')
    }))
    age.set(Math.max(0, limit - since(clock, dialledAt)))
  }

  /**
   * A leg that falls silent while it is to be left anyway has the time of one dial, as any silent one, whatever
   * deadline it was given before: to say "live" would be a lie.
   */
  lastChance(): void {
    this.#lastChance ??= this.#alarm(() => {
      const leg = this.#active
      if (leg?.silent) letGo(this.#handover, leg, 1000, 'silent', { do: 'retry', backoff: 'early' })
    })
    this.#lastChance.set(this.#handover.settings.connectTimeout)
  }

  #followDeadline({ active }: State) {
    const ask = active?.ask && !active.ask.expired ? active.ask : null
    if (ask?.at === this.#deadlineOf?.at && ask?.id === this.#deadlineOf?.id) return
    this.#deadlineOf = ask
    if (!ask) return this.#deadline?.clear()
    this.#deadline ??= this.#alarm(() =>
      this.#handover.dispatch({ type: 'deadline', alive: this.#active?.silent === false }),
    )
    this.#deadline.set(this.#leftOf(ask))
  }

  #followOverlap(state: State, cutAt = instant(this.#handover.settings.clock)) {
    const { old } = state
    if (!old) {
      this.#overlapOf = null
      return this.#overlap?.clear()
    }
    const limit = this.#overlapLimit(state, cutAt)
    if (this.#overlapOf?.leg === old.leg && this.#overlapOf.limit <= limit) return
    this.#overlapOf = { leg: old.leg, limit }
    this.#overlap ??= this.#alarm(() => this.#handover.dispatch({ type: 'old-done' }))
    this.#overlap.set(Math.max(0, limit - since(this.#handover.settings.clock, cutAt)))
  }

  /** From the cutover on. When the next handover waits for room, half of the time that it has is the old leg's. */
  #overlapLimit({ active, wait }: State, cutAt: Instant): number {
    const { clock, handover } = this.#handover.settings
    const ask = active?.ask
    if (!ask || wait === 'none') return handover.overlapLimit
    return Math.min(handover.overlapLimit, since(clock, cutAt) + this.#leftOf(ask) / 2)
  }

  #leftOf({ at, deadline }: HandoverAsk): number {
    return Math.max(0, deadline - since(this.#handover.settings.clock, at))
  }

  get #active() {
    const { legs, state } = this.#handover
    return legs.of(state.active?.leg)
  }

  #alarm(ring: () => void): Alarm {
    return createAlarm(this.#handover.settings.clock, ring)
  }
}
