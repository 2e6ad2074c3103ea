import { createAlarm, type Alarm } from '../base/alarm.js'
import { explain } from '../base/explanation.js'
import { createPeriod, type Period } from '../base/period.js'
import type { HandoverRequest } from '../options/options.js'
import { bounded, bounds } from '../policy/bounds.js'
import { delayOf, LEAST_DIAL } from './dial-delay.js'
import type { Handover } from './handover.js'
import type { Backoff, ClientReason, HandoverAsk } from './state.js'
import { leftOf } from './time-limits.js'

/** Handovers that the client wants by itself and that can wait for a moment that suits the application. */
const PATIENT: readonly string[] = ['age', 'token'] satisfies ClientReason[]

/** However the application decides, a dial gets this part of the deadline, and never less than these milliseconds. */
const DIAL_PART = 0.25
const DIAL_LEAST = 2_000

/** A dial that is due within this time, ms, is early already. */
const SOON = 1_050

/** When the next dial is due. */
export class DialTimer {
  readonly #handover: Handover
  readonly #alarm: Alarm
  /**
   * For so long a server said that it is busy, or dials that were given up are paid for: whatever a later wait is for,
   * it is no shorter.
   */
  readonly busyFor: Period
  /** The pace that was waited at last. */
  backoff: Backoff = { kind: 'now' }
  /** A page that is stored, or not opened yet, dials nothing: what comes due meanwhile is dropped, and asked for anew. */
  paused = false
  /** The application is asked whether the handover suits it. An answer to an earlier request is not taken for this one's. */
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
    // A dial that waits for its place has it: a server that is busy is so still, and what a request put into its window
    // is as spread as it wanted. Who puts a handover off has no say in a reconnection, which is as spread as any.
    if (kind === 'spread' && before !== null) return
    this.#asking = null
    this.backoff = backoff
    if (retryAfter) this.busyFor.extend(bounded(retryAfter, bounds.retryAfter))
    const delay = Math.max(this.busyFor.left, this.#price(), delayOf(backoff, this.#handover))
    // A request that replaces another one must not put off a dial that is due already.
    this.#alarm.set(kind === 'asked' && before !== null ? Math.min(before, delay) : delay)
    if (delay === 0) this.#due()
  }

  /** No dial is waited for. */
  clear(): void {
    this.#asking = null
    this.#alarm.clear()
  }

  /**
   * A hint that a dial may succeed now: one that waits need not wait longer. That is once, and seldom again, however
   * many hints come; and where the server said that it is busy, or over which time to spread, its word stands.
   */
  sooner(): void {
    const { state, dials } = this.#handover
    const { wait, active } = state
    // What a server wants spread stays spread, and what the application puts off stays put off, as long as a leg
    // serves.
    if (wait !== 'timer' || this.#busy || (active && this.backoff.kind === 'asked')) return
    if ((this.left ?? 0) > SOON && dials.mayBeEarly) this.#early(active ? 'now' : 'early')
  }

  /** False: it was not paused. */
  resume(): boolean {
    if (!this.paused) return false
    this.paused = false
    const { dials, settings } = this.#handover
    if (this.left === null) this.#handover.dispatch({ type: 'dial', backoff: 'now' })
    // People do not all go back to a page at the same moment: there is nothing to spread.
    else if (!this.#busy && (dials.early === 0 || dials.mayBeEarly)) this.#early('now')
    else settings.clock.ringDue()
    return true
  }

  #early(backoff: 'now' | 'early') {
    this.#handover.dials.takeEarly()
    this.#handover.dispatch({ type: 'dial', backoff })
  }

  /** What it waits for is a busy server. */
  get #busy(): boolean {
    const { kind, retryAfter } = this.backoff
    return kind === 'busy' || retryAfter !== undefined
  }

  /** Milliseconds to go; null where no delay runs. */
  get left(): number | null {
    return this.#alarm.left
  }

  /** A dial that follows a failed one has its price, unless it would come too late for a deadline. */
  #price(): number {
    if (!this.backoff.failures) return 0
    const { settings, state, dials } = this.#handover
    const ask = state.active?.ask
    const wait = dials.retries.take()
    return ask && !ask.expired && wait + LEAST_DIAL > leftOf(ask, settings.clock) ? 0 : wait
  }

  /** A handover that can wait for a moment that suits the application does. */
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

  /** Dials when the application says that it suits, or as late as still leaves time for the dial. */
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
