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
  /** The active leg must be asked from the position. */
  resubscribe(sequence: TopicSequence): void
  /** A time that was waited for is over: look at the topic again. */
  wake(sequence: TopicSequence): void
}

/** Re-subscriptions from one position after which a hole is taken for real, and the server for one to be spared. */
const TRIES = 2

/** How long a server is spared that leaves topics unanswered or broken, in milliseconds; doubled each time. */
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000

/**
 * One topic of a merge: where it is, what its legs say of it, what is held, and what to do about what is missing.
 *
 * A message that is next is told and the position advances: that is all, as long as nothing is open. `look` sees to
 * what is: messages that are held, a gap that is owed, a leg that is waited for or has to be asked.
 */
export class TopicSequence {
  /** The position; `epoch` is null before there is one. */
  epoch: string | null = null
  offset = 0
  /** Something may be held, owed, waited for or missing, and the next message must not pass it. */
  open = true
  /** Which of the application's subscriptions this is: an answer to a former one says nothing about it. */
  generation = 0
  /**
   * So many of the newest messages are wanted from before, and the active leg has not said yet where they begin. Until
   * then nothing is told: what another leg brings meanwhile comes after them.
   */
  last = 0
  /** What the active leg and the old leg say of it. */
  active: LegView | null = null
  old: LegView | null = null
  readonly holding: Holding
  /** The gap of a new epoch: due, or unconfirmed while it is only a subscriber's word that there is such an epoch. */
  #epochGap: 'none' | 'unconfirmed' | 'due' = 'none'
  /** The old leg's time is over, until the active leg covers again. */
  #waited = false
  #stopWaiting: (() => void) | null = null
  /** How often the active leg was asked since the position advanced. */
  #tries = 0
  #stopPausing: (() => void) | null = null
  readonly #deps: TopicSequenceDeps
  readonly #handlers: TopicSequenceHandlers

  /** @param total is kept up to date with what is held, over all topics. */
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
   * What to ask a leg for. Who comes for the last ones of a topic that is served already asks from so far back: then
   * nothing is passed over that the others have still to get.
   */
  get request(): TopicRequest {
    const { epoch, offset, last } = this
    if (epoch === null) return last > 0 ? { last } : null
    return { epoch, offset: Math.max(0, offset - last) }
  }

  /** The next message: everything is in order before the application is called, which may change or end the topic. */
  tell(offset: number, { data, hasData, id, by }: Told, leg: number, replayed: boolean) {
    this.#advance(offset)
    if (hasData) this.#handlers.deliver(data, { topic: this.name, offset, epoch: this.epoch!, leg, replayed, id, by })
  }

  /** It is not next, or not yet its turn. False: that message is held already. */
  hold(message: HeldMessage): boolean {
    this.open = true
    return this.holding.add(message)
  }

  /**
   * The application wants it from there: from before, or under another epoch. False: it is no further on than there.
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
   * The active leg's word, given now (`unasked`: of itself), or given earlier by a leg that serves again. `whole`: it
   * answers all that is wanted, also the last ones where somebody came for them.
   */
  adopt(named: Named, unasked: boolean, whole?: boolean) {
    const { epoch, last } = this
    this.open = true
    if (whole) this.last = 0
    if (epoch === named.epoch) {
      if (this.#epochGap === 'unconfirmed') this.#epochGap = 'due'
      // Of the last ones that it was asked for, what is not kept any more is no gap.
      if (last > this.last) this.offset = Math.min(this.offset, named.after)
      return
    }
    if (epoch !== null) {
      // What it was asked for elsewhere says nothing about this place.
      if (!unasked && named.from?.epoch !== epoch) return
      this.holding.clear()
      this.#epochGap = 'due'
    }
    this.epoch = named.epoch
    // The tail: what an old leg brought before it served again was not told, and the subscription begins now.
    this.offset = Math.max(named.after, named.tail)
  }

  /**
   * Tells the application the next thing, and says true; with nothing to be told, sees to what is missing.
   *
   * @param asking the active leg is about to be asked anew: nothing that it said holds.
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
    // What is not named yet is asked for, and the answer decides.
    if (!active || covers(active, at)) {
      this.#endWait()
      if (!active) return false
      this.#waited = false
      this.open = this.holding.first !== undefined
      return false
    }
    // Where the leg does not even number alike, neither waiting nor a gap would help.
    if (active.epoch === at.epoch) {
      if (!this.#waited && covers(this.old?.named, at)) return (this.#wait(), false)
      this.#endWait()
      if (this.#skipHole(at, active)) return true
    }
    this.resubscribe()
    return false
  }

  /** Tells of what neither leg brings any more; false where the active leg has yet to say so. */
  #skipHole(at: Position, active: Named): boolean {
    const held = this.holding.first?.prev ?? Infinity
    // An answer speaks for what is after the position that was asked from, not for what lies before it.
    if (reaches(at, active.from) && active.after > at.offset) {
      return held < active.after ? this.#skip(at, held, 'lost') : this.#skip(at, active.after, 'trimmed')
    }
    // The server was asked from here again and again, and its stream breaks here: what it lacks is lost.
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
    // An old leg that goes on bringing what is missing is not given up: each message of it is one less in the gap.
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

  /** Asks the active leg from the position: at once, and in growing pauses where that did not help. */
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

  /** Another leg serves, or is asked for something else: what was tried and waited for counts no more. */
  refresh() {
    this.open = true
    this.#endWait()
    this.#stopPausing?.()
    this.#stopPausing = null
    this.#waited = false
    this.#tries = 0
  }

  /** The server wants to be left alone with this topic for so long at least. */
  pause(least: number | undefined) {
    this.#tries = Math.max(this.#tries, TRIES)
    this.resubscribe(least)
  }
}
