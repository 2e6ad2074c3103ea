import type { Clock } from '../base/clock.js'
import type { Position } from '../protocol/frames.js'
import { createHolding, type HeldMessage } from './holding.js'

/** What a leg said that it serves of a topic. */
export interface Named {
  readonly epoch: string
  readonly head: number
  readonly after: number
  /** The position that this answered; null where it answered `{}`, or nothing. */
  readonly from: Position | null
  /** The newest offset that this leg brought since: it brings nothing up to here a second time. */
  tail: number
}

export interface MergedMessage {
  readonly topic: string
  readonly epoch: string
  readonly offset: number
  readonly data: unknown
  readonly leg: number
  /** It existed already when the leg that brought it was subscribed. */
  readonly replayed: boolean
}

export interface Gap {
  readonly topic: string
  /** The epoch in which the topic goes on. */
  readonly epoch: string
  /** First and last missing offset, inclusive; null where unknown. */
  readonly from: number | null
  readonly to: number | null
  readonly reason: 'trimmed' | 'epoch' | 'lost'
}

export interface TopicSequenceDeps {
  readonly clock: Clock
  readonly name: string
  readonly gapTimeout: number
  /** Kept up to date with what is held, over all topics. */
  readonly total: { messages: number; bytes: number }
}

export interface TopicSequenceHandlers {
  deliver(message: MergedMessage): void
  gap(gap: Gap): void
  /** The active leg must be asked from the position. */
  ask(): void
  /** A time that was waited for is over: look at the topic again. */
  wake(): void
}

/** The order of one topic: where it is, what is held, and what to do about what is missing. */
export interface TopicSequence {
  readonly name: string
  readonly position: Position | null
  readonly holds: boolean
  /** The application wants it from there: from before, or under another epoch. */
  rewind(from: Position): void
  /** The active leg's word, given now (`unasked`: of itself), or given earlier by a leg that serves again. */
  adopt(named: Named, unasked: boolean): void
  /** False: that message is held already. */
  hold(message: HeldMessage): boolean
  /**
   * Tells the application the next thing, and says true; with nothing to be told, sees to what is missing. Everything
   * is in order before the application is called: it may change or end the topic there.
   */
  proceed(active: Named | null | undefined, old: Named | null | undefined): boolean
  /** Asks the active leg from the position: at once, and in growing pauses where that did not help. */
  ask(): void
  /** What is held is given up, as it can come again. */
  discard(): void
  /** Another leg serves: what was tried and waited for counts no more. */
  refresh(): void
  /** The server wants to be left alone with this topic for a while. */
  pause(): void
}

/** Re-subscriptions from one position after which a hole is taken for real, and the server for one to be spared. */
const TRIES = 2

/** How long a server is spared that leaves topics unanswered or broken, in milliseconds; doubled each time. */
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000

/**
 * Whether everything after the position still comes on this leg. The tail is part of it: a leg that already brought
 * something past the position, which then was not in sequence, has shown that it does not bring what is between.
 * Coverage returns by itself when the position gets there.
 */
export function covers(named: Named | null | undefined, position: Position): boolean {
  return !!named && named.epoch === position.epoch && Math.max(named.after, named.tail) <= position.offset
}

export function createTopicSequence(
  deps: TopicSequenceDeps,
  handlers: TopicSequenceHandlers,
  from: Position | null,
): TopicSequence {
  const { clock, name } = deps
  const holding = createHolding(deps.total)
  let position = from
  /** The gap of a new epoch: due, or unconfirmed while it is only a subscriber's word that there is such an epoch. */
  let epochGap: 'none' | 'unconfirmed' | 'due' = 'none'
  /** The old leg's time is over, until the active leg covers again. */
  let waited = false
  /** When something was told last, while the old leg is waited for. */
  let progress = 0
  let stopWaiting: (() => void) | null = null
  /** How often the active leg was asked since the position moved. */
  let tries = 0
  let stopPausing: (() => void) | null = null

  function move(offset: number) {
    position = { epoch: position!.epoch, offset }
    tries = 0
    if (stopWaiting) progress = clock.monotonic()
  }

  function wait(delay = deps.gapTimeout) {
    stopWaiting = clock.setTimeout(() => {
      // An old leg that goes on bringing what is missing is not given up: each message of it is one less in the gap.
      const rest = deps.gapTimeout - (clock.monotonic() - progress)
      if (rest > 0) return wait(rest)
      stopWaiting = null
      waited = true
      handlers.wake()
    }, delay)
  }

  function endWait() {
    stopWaiting?.()
    stopWaiting = null
  }

  function ask() {
    if (stopPausing) return
    if (tries++ < TRIES) return handlers.ask()
    stopPausing = clock.setTimeout(
      () => {
        stopPausing = null
        handlers.ask()
        handlers.wake()
      },
      Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(tries - TRIES - 1, 10)),
    )
  }

  function refresh() {
    endWait()
    stopPausing?.()
    stopPausing = null
    waited = false
    tries = 0
  }

  function skip(at: Position, to: number, reason: 'trimmed' | 'lost') {
    move(to)
    handlers.gap({ topic: name, epoch: at.epoch, from: at.offset + 1, to, reason })
    return true
  }

  return {
    name,
    get position() {
      return position
    },
    get holds() {
      return holding.first !== undefined
    },

    rewind(to) {
      if (position && position.epoch !== to.epoch) {
        holding.clear()
        epochGap = 'unconfirmed'
      }
      position = to
      refresh()
    },

    adopt(named, unasked) {
      if (!position) {
        // The tail: what an old leg brought before it served again was not told, and the subscription begins now.
        position = { epoch: named.epoch, offset: Math.max(named.after, named.tail) }
      } else if (position.epoch === named.epoch) {
        if (epochGap === 'unconfirmed') epochGap = 'due'
      } else if (unasked || named.from?.epoch === position.epoch) {
        position = { epoch: named.epoch, offset: named.after }
        holding.clear()
        epochGap = 'due'
      }
    },

    hold: (message) => holding.add(message),

    proceed(active, old) {
      const at = position
      if (!at || epochGap === 'unconfirmed') return false
      if (epochGap === 'due') {
        epochGap = 'none'
        handlers.gap({ topic: name, epoch: at.epoch, from: null, to: null, reason: 'epoch' })
        return true
      }
      const next = holding.take(at.offset)
      if (next) {
        move(next.offset)
        const { offset, data, leg, replayed } = next
        if (next.hasData) handlers.deliver({ topic: name, epoch: at.epoch, offset, data, leg, replayed })
        return true
      }
      // What is not named yet is asked for, and the answer decides.
      if (!active || covers(active, at)) {
        endWait()
        if (active) waited = false
        return false
      }
      // Where the leg does not even number alike, neither waiting nor a gap would help.
      if (active.epoch === at.epoch) {
        if (!waited && covers(old, at)) {
          if (!stopWaiting) {
            progress = clock.monotonic()
            wait()
          }
          return false
        }
        endWait()
        const held = holding.first?.prev ?? Infinity
        // An answer speaks for what is after the position that was asked from, not for what lies before it.
        const answered = active.from !== null && active.from.epoch === at.epoch && active.from.offset <= at.offset
        if (answered && active.after > at.offset) {
          return held < active.after ? skip(at, held, 'lost') : skip(at, active.after, 'trimmed')
        }
        // The server was asked from here again and again, and its stream breaks here: what it lacks is lost.
        if (tries >= TRIES && held < Infinity) return skip(at, held, 'lost')
      }
      ask()
      return false
    },

    ask,
    discard: holding.clear,
    refresh,
    pause() {
      tries = Math.max(tries, TRIES)
      ask()
    },
  }
}
