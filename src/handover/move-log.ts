import { type Clock, instant, since, type Instant } from '../base/clock.js'
import type { LiveSocketEvents } from './events.js'
import type { Ask } from './machine.js'

/** A cutover whose old leg still lives. */
export interface Cutover {
  readonly ask: Ask
  readonly from: number
  readonly to: number
  readonly at: Instant
}

/** Tells a move's story, each part once, whatever became of it. */
export interface MoveLog {
  readonly cutover: Cutover | null
  /** Milliseconds since the last cutover; Infinity where there was none. */
  readonly sinceCutover: number
  /** A leg is dialled for that request; `exclusive`: after the one that served was closed for it. */
  started(ask: Ask, from: number, to: number, exclusive: boolean): void
  /** A leg serves where none did. */
  served(leg: number): void
  cut(ask: Ask, from: number, to: number): void
  /** The old leg is gone. False: there was none of a move. */
  finished(): boolean
  /** The new leg died, and `leg` serves again. False: that is not what happened. */
  lost(leg: number): boolean
  forget(): void
}

export function createMoveLog(
  clock: Clock,
  emit: <Type extends keyof LiveSocketEvents>(type: Type, event: LiveSocketEvents[Type]) => void,
): MoveLog {
  let startedFor: string | null = null
  let cutover: Cutover | null = null
  /** A move whose server takes one leg at a time: the break that it is lasts until a leg serves again. */
  let broken: { ask: Ask; from: number } | null = null
  let lastCut: Instant | null = null
  return {
    get cutover() {
      return cutover
    },
    get sinceCutover() {
      return lastCut ? since(clock, lastCut) : Infinity
    },
    started(ask, from, to, exclusive) {
      if (startedFor === ask.id) return
      startedFor = ask.id
      if (exclusive) broken = { ask, from }
      emit('handover-started', {
        id: ask.id,
        reason: ask.reason,
        from,
        to,
        overlap: exclusive ? 'exclusive' : 'concurrent',
      })
    },
    served(leg) {
      if (!broken) return
      const { ask, from } = broken
      broken = null
      emit('handover-finished', { id: ask.id, reason: ask.reason, from, to: leg, overlap: 0 })
    },
    cut(ask, from, to) {
      lastCut = instant(clock)
      cutover = { ask, from, to, at: lastCut }
      emit('cutover', { id: ask.id, from, to })
    },
    finished() {
      if (!cutover) return false
      const { ask, from, to, at } = cutover
      cutover = null
      emit('handover-finished', { id: ask.id, reason: ask.reason, from, to, overlap: since(clock, at) })
      return true
    },
    lost(leg) {
      if (cutover?.from !== leg) return false
      const { ask } = cutover
      cutover = null
      emit('handover-failed', { id: ask.id, reason: ask.reason, why: 'lost' })
      return true
    },
    forget() {
      cutover = null
      broken = null
      lastCut = null
    },
  }
}
