import type { Clock } from '../base/clock.js'
import type { Position, TopicRequest } from '../protocol/frames.js'
import { reaches } from '../protocol/position.js'
import type { Gap } from './gap.js'
import { Holding, type HeldMessage, type Told } from './holding.js'
import { covers, type LegView, type Named } from './leg-view.js'
import type { MessageInfo } from './message.js'

export interface TopicSequenceDeps {
  readonly clock: Clock
  readonly gapTimeout: number
}

export interface TopicSequenceHandlers {
  deliver(data: unknown, info: MessageInfo): void
  gap(gap: Gap): void
  /** Must request the topic from the active leg, from its position. */
  resubscribe(sequence: TopicSequence): void
  /** A wait has ended: the topic must be processed again. */
  wake(sequence: TopicSequence): void
}

/**
 * After this many re-subscriptions from one position, a hole counts as real, and further requests to the server are
 * spaced out.
 */
const TRIES = 2

/**
 * The first and the longest pause, in milliseconds, before requesting again from a server that leaves topics unanswered
 * or incomplete; doubled each time.
 */
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000

/**
 * One topic of a merge: its position, what its legs say about it, what is held, and what to do about what is missing.
 *
 * A message that is next is delivered and the position advances. As long as nothing is open, that is all. `look`
 * handles what is open: held messages, a gap to report, a leg to wait for or to ask.
 */
export class TopicSequence {
  /** The position; `epoch` is null while there is none. */
  epoch: string | null = null
  offset = 0
  /** Something may be held, due, waited for or missing, and the next message must not overtake it. */
  open = true
  /** The number of the application's subscription: an answer to an earlier one says nothing about it. */
  generation = 0
  /**
   * How many of the newest messages are wanted while the active leg has not said yet where they begin; else 0. Until
   * then nothing is delivered: what another leg brings in the meantime comes after them.
   */
  last = 0
  /** What the active leg and the old leg say about this topic. */
  active: LegView | null = null
  old: LegView | null = null
  readonly holding: Holding
  /** The gap of a new epoch: `due`, or `unconfirmed` while only a subscriber's position names that epoch. */
  #epochGap: 'none' | 'unconfirmed' | 'due' = 'none'
  /** The wait for the old leg is over, until the active leg covers the topic again. */
  #waited = false
  #stopWaiting: (() => void) | null = null
  /** How often the active leg was asked since the position last advanced. */
  #tries = 0
  #stopPausing: (() => void) | null = null
  readonly #deps: TopicSequenceDeps
  readonly #handlers: TopicSequenceHandlers

  /** @param total is updated with the messages and bytes that are held, over all topics. */
  constructor(
    readonly name: string,
    total: { messages: number; bytes: number },
    deps: TopicSequenceDeps,
    handlers: TopicSequenceHandlers,
  ) {
    this.holding = new Holding(total)
    this.#deps = deps
    this.#handlers = handlers
  }

  get position(): Position | null {
    return this.epoch === null ? null : { epoch: this.epoch, offset: this.offset }
  }

  /**
   * What to request from a leg. A new handler that wants the last messages of a topic that is already served makes the
   * request start that far back, so that nothing is skipped that the other handlers have yet to get.
   */
  get request(): TopicRequest {
    const { epoch, offset, last } = this
    if (epoch === null) return last > 0 ? { last } : null
    return { epoch, offset: Math.max(0, offset - last) }
  }

  /**
   * Delivers the next message. The position advances before the application is called, since the application may change
   * or end the topic.
   */
  tell(offset: number, { data, hasData, id, by }: Told, leg: number, replayed: boolean) {
    this.#advance(offset)
    if (hasData) this.#handlers.deliver(data, { topic: this.name, offset, epoch: this.epoch!, leg, replayed, id, by })
  }

  /** Holds a message that is not next or cannot be delivered yet. False: that message is held already. */
  hold(message: HeldMessage): boolean {
    this.open = true
    return this.holding.add(message)
  }

  /**
   * The application wants the topic from an earlier position or under another epoch. False: the topic is not past that
   * position.
   */
  rewind(to: TopicRequest): boolean {
    if (!to) return false
    if (to.last !== undefined) {
      if (to.last <= this.last) return false
      this.last = to.last
    } else {
      if (reaches(to, this.position)) return false
      if (this.epoch !== null && this.epoch !== to.epoch) {
        this.holding.clear()
        this.#epochGap = 'unconfirmed'
      }
      this.epoch = to.epoch
      this.offset = to.offset
    }
    this.refresh()
    return true
  }

  /**
   * Takes over what the active leg named, now or earlier (by a leg that serves again). `unasked`: on its own. `whole`:
   * it answers everything that is wanted, including the last messages for a handler that asked for them.
   */
  adopt(named: Named, unasked: boolean, whole?: boolean) {
    const { epoch, last } = this
    this.open = true
    if (whole) this.last = 0
    if (epoch === named.epoch) {
      if (this.#epochGap === 'unconfirmed') this.#epochGap = 'due'
      // Of the last messages that were requested, those that are not kept any more are no gap.
      if (last > this.last) this.offset = Math.min(this.offset, named.after)
      return
    }
    if (epoch !== null) {
      // An answer to another epoch's position says nothing about this one.
      if (!unasked && named.from?.epoch !== epoch) return
      this.holding.clear()
      this.#epochGap = 'due'
    }
    this.epoch = named.epoch
    // The tail counts, because what an old leg brought before it served again was not delivered, and the subscription
    // begins now.
    this.offset = Math.max(named.after, named.tail)
  }

  /**
   * Reports the next message or gap to the application and returns true. If there is none, deals with what is missing.
   *
   * @param asking the active leg is about to be asked again, so nothing that it said holds.
   */
  look(asking: boolean): boolean {
    const at = this.position
    const active = asking ? null : this.active?.named
    this.open = true
    if (!at || this.last > 0 || this.#epochGap === 'unconfirmed') return false
    if (this.#epochGap === 'due') {
      this.#epochGap = 'none'
      this.#handlers.gap({ topic: this.name, epoch: at.epoch, from: null, to: null, reason: 'epoch' })
      return true
    }
    const next = this.holding.take(at.offset)
    if (next) {
      this.tell(next.offset, next.frame, next.leg, next.replayed)
      return true
    }
    // A topic that the leg has not named yet has been requested, and the answer decides.
    if (!active || covers(active, at)) {
      this.#endWait()
      if (!active) return false
      this.#waited = false
      this.open = this.holding.first !== undefined
      return false
    }
    // If the leg's epoch differs, neither waiting nor a gap would help.
    if (active.epoch === at.epoch) {
      if (!this.#waited && covers(this.old?.named, at)) return (this.#wait(), false)
      this.#endWait()
      if (this.#skipHole(at, active)) return true
    }
    this.resubscribe()
    return false
  }

  /** Reports what neither leg will bring; false if the active leg has yet to say so. */
  #skipHole(at: Position, active: Named): boolean {
    const held = this.holding.first?.prev ?? Infinity
    // An answer says something about what is after the requested position, not about what is before it.
    if (reaches(at, active.from) && active.after > at.offset) {
      return held < active.after ? this.#skip(at, held, 'lost') : this.#skip(at, active.after, 'trimmed')
    }
    // The server was asked from here several times, and its stream always breaks here: what it lacks is lost.
    if (this.#tries >= TRIES && held < Infinity) return this.#skip(at, held, 'lost')
    return false
  }

  #skip(at: Position, to: number, reason: 'trimmed' | 'lost'): boolean {
    this.#advance(to)
    this.#handlers.gap({ topic: this.name, epoch: at.epoch, from: at.offset + 1, to, reason })
    return true
  }

  #advance(offset: number) {
    this.offset = offset
    this.#tries = 0
    // The wait for an old leg starts over while that leg keeps bringing what is missing: each of its messages makes the
    // gap smaller.
    this.#endWait()
  }

  #wait() {
    const { clock, gapTimeout } = this.#deps
    this.#stopWaiting ??= clock.setTimeout(() => {
      this.#stopWaiting = null
      this.#waited = true
      this.#handlers.wake(this)
    }, gapTimeout)
  }

  #endWait() {
    this.#stopWaiting?.()
    this.#stopWaiting = null
  }

  /**
   * Requests the topic from the active leg, from the position: at once, and after growing pauses if that did not help.
   */
  resubscribe(least = 0) {
    this.open = true
    if (this.#stopPausing) return
    if (this.#tries++ < TRIES) return this.#handlers.resubscribe(this)
    this.#stopPausing = this.#deps.clock.setTimeout(
      () => {
        this.#stopPausing = null
        this.#handlers.resubscribe(this)
        this.#handlers.wake(this)
      },
      Math.max(least, Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(this.#tries - TRIES - 1, 10))),
    )
  }

  /** Another leg serves, or the request changes: earlier attempts and waits count no more. */
  refresh() {
    this.open = true
    this.#endWait()
    this.#stopPausing?.()
    this.#stopPausing = null
    this.#waited = false
    this.#tries = 0
  }

  /** The server asks not to be asked about this topic for at least so many milliseconds. */
  pause(least: number | undefined) {
    this.#tries = Math.max(this.#tries, TRIES)
    this.resubscribe(least)
  }
}
