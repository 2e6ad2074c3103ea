import { createAlarm, type Alarm } from '../base/alarm.js'
import { between, instant, since, type Clock, type Instant } from '../base/clock.js'
import { agedAfter } from '../policy/delay.js'
import type { Handover } from './handover.js'
import type { HandoverAsk } from './state.js'

/** Time that a handover which the client wants by itself is given, ms. */
export const OWN_DEADLINE = 30_000
/**
 * Kept of a leg's age limit for the handover itself: its deadline, and the minute by which a hidden tab's timer may be
 * late.
 */
const AGE_ROOM = OWN_DEADLINE + 60_000

/** What is due within this time, ms, is due: sums of times differ in their last digits. */
const DUE = 0.01

/** What may take so many ms from that moment on. */
type Limit = Pick<HandoverAsk, 'at' | 'deadline'> | null | undefined | false

/** Milliseconds up to its deadline; Infinity where there is none. */
export function leftOf(limit: Limit, clock: Clock): number {
  return limit ? Math.max(0, limit.deadline - since(clock, limit.at)) : Infinity
}

/** How long what is under way may take: a handover, an overlap, a leg's life, a silence. */
export class TimeLimits {
  readonly #handover: Handover
  readonly #alarm: Alarm
  /** The age of the leg that serves. */
  #age: Limit = null

  constructor(handover: Handover) {
    const { clock } = handover.settings
    this.#handover = handover
    this.#alarm = createAlarm(clock, this.#ring, this)
  }

  /** Waits for what comes due first. */
  follow(): void {
    if (!this.#handover.state.active) this.#age = null
    this.#alarm.set(Math.min(...this.#limits().map(([left]) => left)))
  }

  /** The age of the leg that serves from now on, counted from its dial, as platforms do. */
  ageFrom(dialledAt: Instant): void {
    const { random, handover } = this.#handover.settings
    const { maxAge } = handover
    if (maxAge !== null)
      this.#age = { at: dialledAt, deadline: agedAfter(Math.max(maxAge / 2, maxAge - AGE_ROOM), random) }
  }

  #ring() {
    this.#limits().find(([left]) => left < DUE)?.[1]()
    this.follow()
  }

  /** Milliseconds to go, and what is done then. */
  #limits(): [left: number, reached: () => void][] {
    const handover = this.#handover
    const { settings, state, legs, handoverRecord } = handover
    const { clock, connectTimeout } = settings
    const { active, old } = state
    const ask = active?.ask
    const leg = legs.get(active?.leg)
    const { cutover } = handoverRecord
    const limits: [Limit, () => void][] = [
      [
        // A silent leg has the time of one dial, whatever it was asked before: to say "live" would be a lie.
        leg?.silentSince && { at: leg.silentSince, deadline: connectTimeout },
        () => handover.dispatch({ type: 'silent', lasted: !!leg?.lasted }),
      ],
      [ask && !ask.expired && ask, () => handover.dispatch({ type: 'deadline' })],
      [
        old && cutover && { at: cutover.at, deadline: this.#overlap(cutover.at, ask) },
        () => handover.dispatch({ type: 'old-done' }),
      ],
      [
        this.#age,
        () => {
          // Again and again: the limit does not go away.
          this.#age = { at: instant(clock), deadline: OWN_DEADLINE }
          handover.leave('age')
        },
      ],
    ]
    return limits.map(([limit, reached]) => [leftOf(limit, clock), reached])
  }

  /** When the next handover waits for room, half of the time that it has is the old leg's. */
  #overlap(at: Instant, ask: HandoverAsk | null | undefined): number {
    const half = ask ? between(at, ask.at) + (ask.deadline - between(ask.at, at)) / 2 : Infinity
    return Math.min(this.#handover.settings.handover.overlapLimit, half)
  }
}
