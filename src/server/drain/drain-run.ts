import { nanoid } from 'nanoid'
import { createAlarm, type Alarm } from '../../base/alarm.js'
import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { DRAINING } from '../failure.js'
import type { ServerLeg } from '../legs/leg-contract.js'
import type { ServerEvent } from '../server-event.js'
import type { Span, Tracing } from '../tracing.js'
import type { CheckedDrain, DrainResult } from './drain-options.js'
import { createDrainRate, type DrainRate } from './drain-rate.js'
import { createDrainWindow, type DrainWindow } from './drain-window.js'

/** What a run of a drain needs. */
export interface DrainRunDeps {
  readonly clock: Clock
  readonly tracing?: Tracing | undefined
  asked(): void
  /** A leg that was asked has left on its own, that many milliseconds later. */
  handedOver(duration: number): void
  onEvent(event: ServerEvent): void
  onError(error: unknown, doing: string): void
  /** All have gone, or the drain was cancelled. */
  ended(run: DrainRun): void
}

type DrainedLeg = ServerLeg<unknown>

/** Milliseconds between checks for legs that have left, while as many as possible are under way. */
const CROWDED = 50
/**
 * Milliseconds from the start, in which a client that was asked dials three or four times, and a balancer notices which
 * servers are ready.
 */
const ALONE = 1_500
/** Milliseconds between checks whether the deadline can be met. */
const LOOK = 1_000
/** Milliseconds from the start until the first such check, when the rate is first known. */
const AHEAD = 4_000
const MISSED = 1.1
/** Milliseconds before the deadline that are reserved for the legs that are asked last. */
const LAST = 5_000

/** One drain, from its start to its last leg. */
export class DrainRun {
  readonly result: Promise<DrainResult>
  /** The legs that are still here. */
  readonly remaining: Set<DrainedLeg>
  /** The legs not asked yet, in reverse order: those that came first are asked first. */
  readonly #waiting: DrainedLeg[]
  /** When each leg was asked, and the span of its handover. */
  readonly #told = new Map<DrainedLeg, { readonly at: number; readonly span: Span | undefined }>()
  readonly #forced = new Set<DrainedLeg>()
  readonly #id = nanoid()
  readonly #options: CheckedDrain
  readonly #deps: DrainRunDeps
  readonly #rate: DrainRate
  readonly #window: DrainWindow<DrainedLeg>
  readonly #next: Alarm
  readonly #deadline: Alarm
  readonly #lookAround: Alarm
  readonly #lookAhead: Alarm
  #resolve!: (result: DrainResult) => void
  #moved = 0
  #closed = 0
  #cameBack = 0
  #endsAt: number
  #saidLate = false

  constructor(legs: Iterable<DrainedLeg>, options: CheckedDrain, deps: DrainRunDeps) {
    const { clock } = deps
    const now = () => clock.monotonic()
    this.#options = options
    this.#deps = deps
    this.remaining = new Set(legs)
    this.#waiting = [...this.remaining].reverse()
    this.#rate = createDrainRate(options.rate, now)
    this.#window = createDrainWindow<DrainedLeg>(options, now)
    this.#endsAt = now() + options.deadline
    this.#next = createAlarm(clock, () => this.#ask())
    this.#deadline = createAlarm(clock, () => this.force())
    this.#lookAround = createAlarm(clock, () => this.#alone())
    this.#lookAhead = createAlarm(clock, () => this.#late())
    this.result = new Promise((resolve) => void (this.#resolve = resolve))
  }

  go(): void {
    this.#deadline.set(this.#options.deadline)
    this.#lookAround.set(ALONE)
    this.#lookAhead.set(AHEAD)
    if (this.remaining.size === 0) this.#end()
    else this.#ask()
  }

  /** Tells the legs that were asked to stay. */
  cancel(): void {
    for (const [leg, { span }] of this.#told) {
      if (!this.remaining.has(leg)) continue
      if (!this.#forced.has(leg)) leg.send({ type: 'handover-cancelled', id: this.#id })
      span?.end({ attributes: { 'livesocket.outcome': 'cancelled' } })
    }
    this.remaining.clear()
    this.#end()
  }

  /** Makes the deadline now. */
  force(): void {
    this.#stopTimers()
    for (const leg of [...this.remaining]) {
      this.#forced.add(leg)
      leg.fail(DRAINING, 'all')
    }
  }

  cameBack(): void {
    this.#cameBack++
  }

  delayed(leg: DrainedLeg, retryAfter: number): void {
    this.#window.delayed(leg, retryAfter)
  }

  gone(leg: DrainedLeg): void {
    if (!this.remaining.delete(leg)) return
    this.#window.gone(leg)
    const forced = this.#forced.has(leg)
    if (forced) this.#closed++
    else this.#moved++
    const told = this.#told.get(leg)
    if (!forced && told) this.#deps.handedOver(this.#deps.clock.monotonic() - told.at)
    told?.span?.end({
      attributes: { 'livesocket.outcome': forced ? 'forced' : 'handed-over' },
      ...(forced && { failed: 'The leg was still here at the deadline, and was closed' }),
    })
    if (this.remaining.size === 0) this.#end()
  }

  /**
   * Milliseconds until all have gone, at the rate at which they leave; at first, at the rate of the options. Null if
   * none leaves.
   */
  get takes(): number | null {
    const rate = this.#window.rate ?? this.#options.rate
    return rate === 0 ? null : (this.remaining.size / rate) * 1_000
  }

  get counts(): DrainResult {
    return { moved: this.#moved, forced: this.#closed }
  }

  get #left(): number {
    return this.#endsAt - this.#deps.clock.monotonic()
  }

  #end() {
    this.#stopTimers()
    this.#deps.ended(this)
    this.#resolve(this.counts)
  }

  #stopTimers() {
    for (const alarm of [this.#next, this.#deadline, this.#lookAround, this.#lookAhead]) alarm.clear()
  }

  // Asking legs to hand over.

  #ask() {
    while (this.#waiting.length > 0) {
      const wait = this.#isCrowded() ? CROWDED : this.#rate.wait()
      // Timers tick in whole milliseconds, and one that fires early would only have to be set again.
      if (wait > 0) return this.#next.set(Math.ceil(wait))
      const leg = this.#waiting.pop()!
      if (!this.remaining.has(leg)) continue
      this.#rate.took()
      this.#told.set(leg, { at: this.#deps.clock.monotonic(), span: this.#trace(leg) })
      this.#window.asked(leg)
      this.#deps.asked()
      this.#request(leg)
    }
  }

  /** Whether to wait for the legs under way. Not if the rest could then not be asked in time. */
  #isCrowded(): boolean {
    const needed = (this.#waiting.length / this.#options.rate) * 1_000
    return this.#window.full && needed < this.#left - LAST
  }

  #trace({ who }: DrainedLeg): Span | undefined {
    return this.#deps.tracing?.begin('livesocket.handover', {
      'livesocket.handover': this.#id,
      'livesocket.reason': this.#options.reason,
      ...(who && { 'livesocket.session': who.session }),
    })
  }

  #request(leg: DrainedLeg) {
    const { reason, url, spread } = this.#options
    leg.send({
      type: 'handover',
      id: this.#id,
      reason,
      ...(url === undefined ? undefined : { url }),
      spread,
      deadline: Math.max(0, Math.floor(this.#left)),
    })
  }

  // Problems that are foreseen.

  /** Reports a missed deadline in advance, while there is time to react. */
  #late() {
    this.#lookAhead.set(LOOK)
    const needed = this.takes
    if (needed !== null && needed <= this.#left * MISSED) return
    if (!this.#saidLate) this.#tellLate(needed)
    this.#saidLate = true
    // If none leaves, extending the deadline does not help.
    if (!this.#options.extendable || needed === null) return
    this.#endsAt = this.#deps.clock.monotonic() + needed * MISSED
    this.#deadline.set(needed * MISSED)
    for (const leg of this.#told.keys()) if (this.remaining.has(leg)) this.#request(leg)
  }

  #tellLate(needed: number | null) {
    const { onEvent, onError } = this.#deps
    const needs = needed === null ? null : Math.round(needed)
    const deadline = Math.round(this.#left)
    onEvent({ type: 'drain-late', left: this.remaining.size, deadline, needs })
    const ends =
      this.#options.extendable && needed !== null ? 'It is extended.' : 'Connections that are left then are closed.'
    onError(
      new LiveSocketError(
        'timeout',
        `The drain cannot meet its deadline: ${this.remaining.size} connections are left, and ${needs === null ? 'nobody takes them: is another server up at the same address, with the same log, that accepts their tokens?' : `they need ${needs} ms at the rate at which other servers take them.`} ${deadline} ms are left. ${ends}`,
      ),
      'draining',
    )
  }

  /** Checks whether no other server takes the legs, as far as this server can see. */
  #alone() {
    if (this.#moved > 0 || this.#told.size === 0 || this.#cameBack < this.#told.size) return
    const ends = this.#options.endWhenAlone
    this.#deps.onEvent({ type: 'drain-alone', left: this.remaining.size })
    this.#deps.onError(
      new LiveSocketError(
        'refused',
        `Nobody else takes the connections that are asked to hand over: they only come back here. ${ends ? 'So they are closed now.' : 'They are kept until the deadline.'} Start the next server before this one goes, behind the same address.`,
      ),
      'draining',
    )
    if (ends) this.force()
  }
}
