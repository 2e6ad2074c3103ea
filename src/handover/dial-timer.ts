import { createAlarm, type Alarm } from '../base/alarm.js'
import { explain } from '../base/explanation.js'
import { createPeriod, type Period } from '../base/period.js'
import type { HandoverRequest } from '../options/options.js'
import { bounded, bounds } from '../policy/bounds.js'
import { delayOf, LEAST_DIAL } from './dial-delay.js'
import type { Handover } from './handover.js'
import type { Backoff, ClientReason, HandoverAsk } from './state.js'
import { leftOf } from './time-limits.js'

/** Reasons of the client's own handovers that can wait for a moment that suits the application. */
const PATIENT: readonly string[] = ['age', 'token'] satisfies ClientReason[]

/** However long the application takes, the dial gets this part of the deadline, and at least this many milliseconds. */
const DIAL_PART = 0.25
const DIAL_LEAST = 2_000

/** A dial that is due within this time, ms, is early enough already. */
const SOON = 1_050

/** Waits for the next dial. */
export class DialTimer {
  readonly #handover: Handover
  readonly #alarm: Alarm
  /**
   * How long a busy server asked clients to wait, or the retry budget imposes a wait for dropped dials. No later wait
   * is shorter, whatever it is for.
   */
  readonly busyFor: Period
  /** The backoff of the latest wait. */
  backoff: Backoff = { kind: 'now' }
  /**
   * True for a page that is in the back/forward cache or not opened yet. Nothing is dialled: a dial that comes due is
   * dropped, and requested again on `resume`.
   */
  paused = false
  /**
   * Set while the application's `when` is asked. A new object for each request, so that the answer to an earlier one is
   * ignored.
   */
  #asking: object | null = null

  constructor(handover: Handover) {
    const { clock } = handover.settings
    this.#handover = handover
    this.#alarm = createAlarm(clock, this.#due, this)
    this.busyFor = createPeriod(clock)
  }

  wait(backoff: Backoff): void {
    const { kind, retryAfter } = backoff
    const before = this.#asking ? null : this.#alarm.left
    // A dial that already waits keeps its time: a busy server is still busy, and a wait within a request's window is
    // spread as the request wanted. But a wait for the application's `when` does not count for a reconnection, which is
    // spread like any other.
    if (kind === 'spread' && before !== null) return
    this.#asking = null
    this.backoff = backoff
    if (retryAfter) this.busyFor.extend(bounded(retryAfter, bounds.retryAfter))
    const delay = Math.max(this.busyFor.left, this.#price(), delayOf(backoff, this.#handover))
    // A request that replaces another one must not delay a dial that would be due earlier.
    this.#alarm.set(kind === 'asked' && before !== null ? Math.min(before, delay) : delay)
    if (delay === 0) this.#due()
  }

  /** Stops waiting. */
  clear(): void {
    this.#asking = null
    this.#alarm.clear()
  }

  /**
   * A hint that a dial may succeed now: ends the current wait. This happens once, and then rarely, however many hints
   * come. A wait that a server asked for because it is busy, or as a spread, is not cut short.
   */
  sooner(): void {
    const { state, dials } = this.#handover
    const { wait, active } = state
    // While a leg serves, a spread that a server asked for and a wait for the application's `when` are not cut short.
    if (wait !== 'timer' || this.#busy || (active && this.backoff.kind === 'asked')) return
    if ((this.left ?? 0) > SOON && dials.mayBeEarly) this.#early(active ? 'now' : 'early')
  }

  /** Ends the pause. False: it was not paused. */
  resume(): boolean {
    if (!this.paused) return false
    this.paused = false
    const { dials, settings } = this.#handover
    if (this.left === null) this.#handover.dispatch({ type: 'dial', backoff: 'now' })
    // Users do not all return to a page at the same moment, so nothing needs spreading.
    else if (!this.#busy && (dials.early === 0 || dials.mayBeEarly)) this.#early('now')
    else settings.clock.ringDue()
    return true
  }

  #early(backoff: 'now' | 'early') {
    this.#handover.dials.takeEarly()
    this.#handover.dispatch({ type: 'dial', backoff })
  }

  /** Whether it waits for a busy server. */
  get #busy(): boolean {
    const { kind, retryAfter } = this.backoff
    return kind === 'busy' || retryAfter !== undefined
  }

  /** Milliseconds to go; null if no delay runs. */
  get left(): number | null {
    return this.#alarm.left
  }

  /** The wait for the retry budget, which a dial after a failed one must pay, unless it would then miss a deadline. */
  #price(): number {
    if (!this.backoff.failures) return 0
    const { settings, state, dials } = this.#handover
    const ask = state.active?.ask
    const wait = dials.retries.take()
    return ask && !ask.expired && wait + LEAST_DIAL > leftOf(ask, settings.clock) ? 0 : wait
  }

  /** The wait is over: dials, or first asks the application if the handover can wait for a suitable moment. */
  #due() {
    const asked = this.#asking !== null
    this.clear()
    if (this.paused) return
    const { settings, state, dials } = this.#handover
    const { kind, failures } = this.backoff
    dials.placed = kind === 'spread' && !failures
    const ask = state.active?.ask
    const patient = kind === 'asked' && ask && !ask.expired && (ask.by === 'server' || PATIENT.includes(ask.reason))
    if (!asked && patient && settings.handover.when) this.#ask(settings.handover.when, ask)
    else this.#dial()
  }

  /** Dials when the application's `when` resolves, or at the last moment that leaves time for the dial. */
  #ask(when: (request: HandoverRequest) => Promise<void>, ask: HandoverAsk) {
    const { id, reason } = ask
    const { settings, audience } = this.#handover
    const deadline = leftOf(ask, settings.clock)
    const mine = (this.#asking = {})
    this.#alarm.set(Math.max(0, deadline - Math.max(DIAL_LEAST, deadline * DIAL_PART)))
    Promise.resolve({ id, reason, deadline })
      .then(when)
      .catch((thrown: unknown) => audience.report(explain`handover.when threw; the handover goes on.`, thrown))
      .then(() => {
        if (this.#asking === mine) this.#dial()
      })
  }

  #dial() {
    this.#handover.dispatch({ type: 'due' })
  }
}
