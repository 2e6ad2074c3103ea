import { type Clock, instant, since, type Instant } from '../base/clock.js'
import type { Emit } from './events.js'
import type { HandoverAsk } from './state.js'

/** A cutover whose old leg still lives. */
export interface Cutover {
  readonly ask: HandoverAsk
  readonly from: number
  readonly to: number
  readonly at: Instant
}

/**
 * Tells that a handover has started, what was cut over and how it ended, each once, whatever became of it. What asks for
 * one and what a dial of it failed at is told where it is noticed; the events are listed in `events.ts`.
 */
export class HandoverRecord {
  readonly #clock: Clock
  readonly #teller: { readonly emit: Emit }
  #startedFor: string | null = null
  cutover: Cutover | null = null
  /** A handover whose server takes one leg at a time: the break that it is lasts until a leg serves again. */
  #broken: { readonly ask: HandoverAsk; readonly from: number } | null = null
  #lastCut: Instant | null = null

  constructor(clock: Clock, teller: { readonly emit: Emit }) {
    this.#clock = clock
    this.#teller = teller
  }

  /** Milliseconds since the last cutover; Infinity where there was none. */
  get sinceCutover(): number {
    return this.#lastCut ? since(this.#clock, this.#lastCut) : Infinity
  }

  /** A leg is dialled for that request; `exclusive`: after the one that served was closed for it. */
  started(ask: HandoverAsk, from: number, to: number, exclusive: boolean): void {
    const { id, reason } = ask
    if (this.#startedFor === id) return
    this.#startedFor = id
    if (exclusive) this.#broken = { ask, from }
    this.#teller.emit('handover-started', { id, reason, from, to, overlap: exclusive ? 'exclusive' : 'concurrent' })
  }

  /** A leg serves where none did. */
  served(leg: number): void {
    const broken = this.#broken
    this.#broken = null
    if (broken) this.#tellFinished(broken.ask, broken.from, leg, 0)
  }

  cut(ask: HandoverAsk, from: number, to: number): void {
    this.#lastCut = instant(this.#clock)
    this.cutover = { ask, from, to, at: this.#lastCut }
    this.#teller.emit('cutover', { id: ask.id, from, to })
  }

  /** The old leg is gone. False: there was none of a handover. */
  finished(): boolean {
    const cutover = this.cutover
    this.cutover = null
    if (cutover) this.#tellFinished(cutover.ask, cutover.from, cutover.to, since(this.#clock, cutover.at))
    return cutover !== null
  }

  /** The new leg died, and `leg` serves again. False: that is not what happened. */
  lost(leg: number): boolean {
    if (this.cutover?.from !== leg) return false
    const { id, reason } = this.cutover.ask
    this.cutover = null
    this.#teller.emit('handover-failed', { id, reason, why: 'lost' })
    return true
  }

  forget(): void {
    this.cutover = this.#broken = this.#lastCut = null
  }

  #tellFinished({ id, reason }: HandoverAsk, from: number, to: number, overlap: number) {
    this.#teller.emit('handover-finished', { id, reason, from, to, overlap })
  }
}
