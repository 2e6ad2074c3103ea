import { createAlarm, type Alarm } from '../base/alarm.js'
import { between, instant, since, type Clock, type Instant } from '../base/clock.js'
import { agedAfter } from '../policy/delay.js'
import type { Handover } from './handover.js'
import type { HandoverAsk } from './state.js'

/** The deadline of a handover that the client itself wants, ms. */
export const OWN_DEADLINE = 30_000
/**
 * The part of a leg's age limit that is reserved for the handover itself, ms: its deadline, and the minute by which a
 * hidden tab's timer may be late.
 */
const AGE_ROOM = OWN_DEADLINE + 60_000

/** A limit with less than this left, ms, is due: sums of times differ in their last digits. */
const DUE = 0.01

/** A start time and the milliseconds allowed from then on. */
type Limit = Pick<HandoverAsk, 'at' | 'deadline'> | null | undefined | false

/** Milliseconds until its deadline; Infinity if there is none. */
export function leftOf(limit: Limit, clock: Clock): number {
  return limit ? Math.max(0, limit.deadline - since(clock, limit.at)) : Infinity
}

/** The time limits of what is under way: a handover, an overlap, a leg's life, a silence. */
export class TimeLimits {
  readonly #handover: Handover
  readonly #alarm: Alarm
  /** The age limit of the serving leg. */
  #age: Limit = null

  constructor(handover: Handover) {
    const { clock } = handover.settings
    this.#handover = handover
    this.#alarm = createAlarm(clock, this.#ring, this)
  }

  /** Sets the alarm for the first limit. */
  follow(): void {
    if (!this.#handover.state.active) this.#age = null
    this.#alarm.set(Math.min(...this.#limits().map(([left]) => left)))
  }

  /** Sets the age limit of the leg that serves from now on, counted from its dial, as platforms do. */
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

  /** Each limit's milliseconds to go, and what to do when it is reached. */
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
        // A silent leg has the time of one dial, whatever it was asked before; after that the status must not go on
        // saying "live".
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
          // Repeated, because the platform's limit does not go away.
          this.#age = { at: instant(clock), deadline: OWN_DEADLINE }
          handover.leave('age')
        },
      ],
    ]
    return limits.map(([limit, reached]) => [leftOf(limit, clock), reached])
  }

  /**
   * How long the overlap may last, ms. If the next handover waits for room, the old leg gets half of that handover's
   * time.
   */
  #overlap(at: Instant, ask: HandoverAsk | null | undefined): number {
    const half = ask ? between(at, ask.at) + (ask.deadline - between(ask.at, at)) / 2 : Infinity
    return Math.min(this.#handover.settings.handover.overlapLimit, half)
  }
}
