import { createAlarm, type Alarm } from '../base/alarm.js'
import { between, since, type Clock, type Instant } from '../base/clock.js'
import { createPeriod, type Period } from '../base/period.js'
import { agedAfter } from '../policy/delay.js'
import type { Handover } from './handover.js'
import { hasLasted } from './leg-end.js'
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

/** Milliseconds up to its deadline. */
export function leftOf({ at, deadline }: HandoverAsk, clock: Clock): number {
  return Math.max(0, deadline - since(clock, at))
}

/** How long what is under way may take: a handover, an overlap, a leg's life, a silence. */
export class TimeLimits {
  readonly #handover: Handover
  readonly #alarm: Alarm
  /** Of the leg that serves. */
  readonly #age: Period

  constructor(handover: Handover) {
    const { clock } = handover.settings
    this.#handover = handover
    this.#alarm = createAlarm(clock, this.#ring, this)
    this.#age = createPeriod(clock)
  }

  /** Waits for what comes due first. */
  follow(): void {
    if (!this.#handover.state.active) this.#age.stop()
    const first = Math.min(...this.#limits().map(([left]) => left))
    const { left } = this.#alarm
    if (first === Infinity) this.#alarm.clear()
    else if (left === null || Math.abs(first - left) > DUE) this.#alarm.set(first)
  }

  /** The age of the leg that serves from now on, counted from its dial, as platforms do. */
  ageFrom(dialledAt: Instant): void {
    const { random, handover } = this.#handover.settings
    const { maxAge } = handover
    if (maxAge !== null) this.#age.start(agedAfter(Math.max(maxAge / 2, maxAge - AGE_ROOM), random), dialledAt)
  }

  #ring() {
    this.#limits().find(([left]) => left < DUE)?.[1]()
    this.follow()
  }

  /** Milliseconds to go, and what is done then. */
  #limits(): [left: number, reached: () => void][] {
    const handover = this.#handover
    const { clock, connectTimeout } = handover.settings
    const { active, old } = handover.state
    const ask = active?.ask ?? null
    const leg = handover.legs.get(active?.leg)
    return [
      [
        // A silent leg has the time of one dial, whatever it was asked before: to say "live" would be a lie.
        leg?.silentSince ? Math.max(0, connectTimeout - since(clock, leg.silentSince)) : Infinity,
        () => handover.dispatch({ type: 'silent', lasted: hasLasted(handover, leg) }),
      ],
      [ask && !ask.expired ? leftOf(ask, clock) : Infinity, () => handover.dispatch({ type: 'deadline' })],
      [old ? this.#overlapLeft(ask) : Infinity, () => handover.dispatch({ type: 'old-done' })],
      [
        this.#age.running ? this.#age.left : Infinity,
        () => {
          // Again and again: the limit does not go away.
          this.#age.start(OWN_DEADLINE)
          handover.leave('age')
        },
      ],
    ]
  }

  /** When the next handover waits for room, half of the time that it has is the old leg's. */
  #overlapLeft(ask: HandoverAsk | null): number {
    const { settings, handoverRecord } = this.#handover
    const { overlapLimit } = settings.handover
    const { cutover } = handoverRecord
    if (!cutover) return overlapLimit
    const { at } = cutover
    const half = ask ? between(at, ask.at) + (ask.deadline - between(ask.at, at)) / 2 : Infinity
    return Math.max(0, Math.min(overlapLimit, half) - since(settings.clock, at))
  }
}
