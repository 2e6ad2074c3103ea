import { createAlarm, type Alarm } from '../base/alarm.js'
import { since } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import { createPeriod, type Period } from '../base/period.js'
import { bounded, bounds } from '../policy/bounds.js'
import { delayOf, LEAST_DIAL } from './dial-delay.js'
import type { Handover } from './handover.js'
import { HandoverWhen } from './handover-when.js'
import type { ClientReason, Backoff } from './state.js'

/** Handovers that the client wants by itself and that can wait for a moment that suits the application. */
const PATIENT: readonly string[] = ['age', 'token'] satisfies ClientReason[]

/** When the next dial is due. */
export class DialTimer {
  readonly #handover: Handover
  readonly #alarm: Alarm
  readonly #when: HandoverWhen | null
  /**
   * For so long a server said that it is busy, or dials that were given up are paid for: whatever a later wait is for,
   * it is no shorter.
   */
  readonly busyFor: Period
  /** The pace that was waited at last. */
  backoff: Backoff = { kind: 'now' }
  #paused = false

  constructor(handover: Handover) {
    const { clock, handover: options } = handover.settings
    this.#handover = handover
    this.#alarm = createAlarm(clock, this.#due, this)
    this.busyFor = createPeriod(clock)
    this.#when = options.when ? new HandoverWhen(clock, options.when, (cause) => whenThrew(handover, cause)) : null
  }

  wait(backoff: Backoff): void {
    this.backoff = backoff
    this.#when?.clear()
    if ('retryAfter' in backoff && backoff.retryAfter)
      this.busyFor.extend(bounded(backoff.retryAfter, bounds.retryAfter))
    if (backoff.kind === 'now' && this.busyFor.left === 0) return this.#now()
    const delay = Math.max(this.busyFor.left, this.#price(), this.#delay())
    const before = this.#alarm.left
    // A request that replaces another one must not put off a dial that is due already.
    this.#alarm.set(backoff.kind === 'asked' && before !== null ? Math.min(before, delay) : delay)
    if (backoff.kind === 'asked' && delay === 0) this.#now()
  }

  /** No dial is waited for. */
  clear(): void {
    this.#alarm.clear()
    this.#when?.clear()
  }

  /** A page that is stored dials nothing: what comes due meanwhile is dropped, and `resume` asks anew. */
  pause(): void {
    this.#paused = true
  }

  /** False: it was not paused. */
  resume(): boolean {
    const was = this.#paused
    this.#paused = false
    return was
  }

  /** What it waits for is a busy server. */
  get busy(): boolean {
    const { backoff } = this
    return backoff.kind === 'busy' || (backoff.kind === 'again' && backoff.retryAfter !== undefined)
  }

  /** Milliseconds to go; null where no delay runs. */
  get left(): number | null {
    return this.#alarm.left
  }

  /** The application puts the handover off for the moment. */
  get putOff(): boolean {
    return this.#when?.waiting ?? false
  }

  #delay(): number {
    const { settings, state, handoverRecord, dials } = this.#handover
    const { clock, random, handover, reconnect } = settings
    return delayOf(this.backoff, {
      clock,
      random,
      ask: state.active?.ask ?? null,
      dwell: Math.max(0, handover.dwell - handoverRecord.sinceCutover),
      dialTook: dials.took,
      spread: dials.spread ?? reconnect.spread,
      cap: reconnect.cap,
      placed: dials.placed,
    })
  }

  /** A dial that follows a failed one has its price, unless it would come too late for a deadline. */
  #price(): number {
    const { backoff } = this
    if (backoff.kind === 'now' || backoff.kind === 'asked' || ('failures' in backoff && backoff.failures === 0))
      return 0
    const { settings, state, dials } = this.#handover
    const ask = state.active?.ask
    const wait = dials.retries.take()
    return ask && !ask.expired && wait + LEAST_DIAL > ask.deadline - since(settings.clock, ask.at) ? 0 : wait
  }

  #now() {
    this.#alarm.clear()
    this.#due()
  }

  /** A handover that can wait for a moment that suits the application does. */
  #due() {
    if (this.#paused) return
    this.#handover.dials.placed = this.backoff.kind === 'spread' && this.backoff.failures === 0
    const dial = () => this.#handover.dispatch({ type: 'due' })
    const ask = this.#handover.state.active?.ask
    const patient =
      ask && !ask.expired && this.backoff.kind === 'asked' && (ask.by === 'server' || PATIENT.includes(ask.reason))
    if (!this.#when || !patient) return dial()
    const { id, reason, deadline, at } = ask
    const left = Math.max(0, deadline - since(this.#handover.settings.clock, at))
    this.#when.wait({ id, reason, deadline: left }, dial)
  }
}

function whenThrew({ audience }: Handover, cause: unknown) {
  audience.error(new LiveSocketError('invalid', explain`handover.when threw; the handover goes on.`, { cause }))
}
