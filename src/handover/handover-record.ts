import { instant, since, type Instant } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import type { LiveSocketEvents } from './events.js'
import type { Handover } from './handover.js'
import type { HandoverAsk, Seat } from './state.js'

/**
 * A cutover whose old leg still lives; or, if the server accepts one leg at a time, the break until a leg serves again.
 */
export interface Cutover {
  readonly ask: HandoverAsk
  readonly from: number
  readonly to: number
  readonly at: Instant
}

/** A pending call of the application's `handover()`. */
interface Waiter {
  /** The leg to be left; undefined if none served. */
  readonly from: number | undefined
  readonly resolve: () => void
  readonly reject: (error: LiveSocketError) => void
}

type Why = LiveSocketEvents['handover-failed']['why']

/**
 * Reports that a handover has started, was cut over, and has ended, each once and whatever the outcome: as events, and
 * to pending calls of `handover()`. A request for a handover is reported where it arrives. `events.ts` lists the
 * events.
 */
export class HandoverRecord {
  readonly #handover: Handover
  #startedFor: string | null = null
  cutover: Cutover | null = null
  #lastCut: Instant | null = null
  #waiting: Waiter[] = []

  constructor(handover: Handover) {
    this.#handover = handover
  }

  /** Milliseconds since the last cutover; Infinity if there was none. */
  get sinceCutover(): number {
    return this.#lastCut ? this.#since(this.#lastCut) : Infinity
  }

  /** Resolves when the currently serving leg has been left. */
  over(): Promise<void> {
    const from = this.#handover.state.active?.leg
    return new Promise((resolve, reject) => void this.#waiting.push({ from, resolve, reject }))
  }

  /** A leg is dialled for that request. `exclusive`: the serving leg was closed first. */
  started(ask: HandoverAsk, from: number, to: number, exclusive: boolean): void {
    const { id, reason } = ask
    if (this.#startedFor === id) return
    this.#startedFor = id
    if (exclusive) this.cutover = { ask, from, to, at: this.#now() }
    const overlap = exclusive ? 'exclusive' : 'concurrent'
    this.#handover.audience.emit('handover-started', { id, reason, from, to, overlap })
  }

  /** A leg serves from now on. `old`: it took over from this leg, which still lives. */
  served(leg: number, old: Seat | null): void {
    const { cutover } = this
    if (old?.ask) {
      const { leg: from, ask } = old
      this.#lastCut = this.#now()
      this.cutover = { ask, from, to: leg, at: this.#lastCut }
      this.#handover.audience.emit('cutover', { id: ask.id, from, to: leg })
    } else if (cutover) {
      this.cutover = null
      this.#tellFinished(cutover.ask, cutover.from, leg, 0)
    }
  }

  /** That leg is gone. If it was the old one, its handover is finished. */
  gone(leg: number): void {
    const { cutover } = this
    if (cutover?.from !== leg) return
    this.cutover = null
    this.#tellFinished(cutover.ask, leg, cutover.to, this.#since(cutover.at))
    this.#handover.session.counters.handovers++
  }

  /** The new leg died, and `leg` serves again. False: this is not the case. */
  lost(leg: number): boolean {
    const { cutover } = this
    if (cutover?.from !== leg) return false
    this.cutover = null
    this.#tellFailed(cutover.ask, 'lost')
    return true
  }

  failed(ask: HandoverAsk, why: Why): void {
    // Before the event, because its listener may request the next handover, whose promise this failure must not reject.
    if (why !== 'superseded') {
      const message = explain`The handover failed (${why}); the serving leg stays in use.`
      this.settle(new LiveSocketError('timeout', message))
    }
    this.#tellFailed(ask, why)
  }

  stopped(): void {
    this.cutover = this.#lastCut = null
    this.settle(new LiveSocketError('closed', explain`The live socket was closed during the handover.`))
  }

  /**
   * Called after each step, and when a handover fails: settles the pending calls whose leg was left, or whose handover
   * failed.
   */
  settle(failure?: LiveSocketError): void {
    const { active, old } = this.#handover.state
    this.#waiting = this.#waiting.filter(({ from, resolve, reject }) => {
      // The old leg of an earlier handover is still going to close.
      if ((old && from === old.leg) || (!failure && (!active || from === active.leg))) return true
      if (failure) reject(failure)
      else resolve()
      return false
    })
  }

  #tellFinished({ id, reason }: HandoverAsk, from: number, to: number, overlap: number) {
    this.#handover.audience.emit('handover-finished', { id, reason, from, to, overlap })
  }

  #tellFailed({ id, reason }: HandoverAsk, why: Why) {
    this.#handover.audience.emit('handover-failed', { id, reason, why })
  }

  #now(): Instant {
    return instant(this.#handover.settings.clock)
  }

  #since(at: Instant): number {
    return since(this.#handover.settings.clock, at)
  }
}
