import type { Instant } from '../base/clock.js'
import type { LiveSocketError } from '../base/errors.js'
import type { OwedFrame, Published } from './outbox-contract.js'

/** What is owed an answer, from the call that made it until it settles. */
export interface Entry {
  readonly frame: OwedFrame
  readonly bytes: number
  readonly lane: string
  readonly repeatable: boolean
  readonly limit: number
  /** Where it has a limit, which counts from then. */
  queued: Instant | null
  /** The leg on which it is unanswered; null while it waits to be sent. The queue sets it. */
  leg: OutboxLeg | null
  firstSent: Instant | null
  /** How often it was sent without an answer to that sending. */
  copies: number
  /** On the monotonic clock: the moment at which the leg becomes suspect, and the wait that ends then. */
  overdueAt: number
  patience: number
  readonly resolve: (answer: Published) => void
  readonly reject: (error: LiveSocketError) => void
  /** Lets go of the timer and the signal, where it has one. */
  release: (() => void) | null
}

export interface OutboxLeg {
  readonly number: number
  maxFrame: number
  /**
   * The lane of each id that it owes an answer for. Of the publishes that the application has given up since, the last
   * of each topic is among them: the server may still be about to apply it, so after a cutover it holds back newer ones
   * as any unanswered one does. One is enough: a server answers a topic's in the order of arrival.
   */
  readonly owed: Map<string, string>
  /** Newer ones need not wait for its answers any more. */
  passed: boolean
}

/** Given up, and still owed by a leg; beyond, the oldest goes. A server that answers nothing is left long before. */
const MAX_ABANDONED = 1_000

/** Entries in the order in which they were published, up to two legs, and which entry is unanswered on which. */
export class OutboxQueue {
  active: OutboxLeg | null = null
  /** The former active leg, while its answers are waited for and while it can serve again. */
  old: OutboxLeg | null = null
  readonly #entries = new Map<string, Entry>()
  /** The entries without a leg, in order. */
  #waiting = new Set<Entry>()
  /** What is in it, of each kind. */
  readonly size = { publish: { messages: 0, bytes: 0 }, request: { messages: 0, bytes: 0 } }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  all(): readonly Entry[] {
    return [...this.#entries.values()]
  }

  add(entry: Entry) {
    this.#entries.set(entry.frame.id, entry)
    this.#waiting.add(entry)
    this.#count(entry, 1)
  }

  /** It has settled, now or before. */
  remove(entry: Entry) {
    if (!this.#entries.delete(entry.frame.id)) return
    this.#place(entry, null)
    this.#waiting.delete(entry)
    this.#count(entry, -1)
  }

  /** It is unanswered on the active leg from now on. */
  sent(entry: Entry) {
    this.#place(entry, this.active)
  }

  /** It was not sent after all, and waits in its place. */
  unsent(entry: Entry) {
    this.#place(entry, null)
    this.#restoreOrder()
  }

  /**
   * The entry that may be sent next on the active leg: nothing passes one of its topic whose answer the old leg still
   * owes.
   */
  next(): Entry | undefined {
    const { old } = this
    if (!this.active || this.#waiting.size === 0) return undefined
    const held = old && !old.passed ? new Set(old.owed.values()) : null
    for (const entry of this.#waiting) if (!held?.has(entry.lane)) return entry
    return undefined
  }

  /** The oldest whose patience may run out: on the active leg, or, where it may not be sent twice, on any. */
  oldest(): Entry | undefined {
    const { active, old } = this
    if (!active?.owed.size && !old?.owed.size) return undefined
    for (const entry of this.#entries.values())
      if (entry.leg && entry.patience < Infinity && (entry.leg === active || !entry.repeatable)) return entry
    return undefined
  }

  /** `number` is the active leg, and the former one the old leg. */
  activate(number: number, maxFrame = Infinity) {
    const { active, old } = this
    if (old?.number === number) {
      this.active = old
      this.old = active
      old.passed = false
    } else if (active?.number !== number) {
      this.#requeue(old)
      this.old = active
      this.active = { number, maxFrame, owed: new Map(), passed: false }
    }
    this.active!.maxFrame = maxFrame
  }

  /** That leg is no more: what is unanswered on it waits again in its place. False where it was none of ours. */
  drop(number: number): boolean {
    const leg = this.#legOf(number)
    if (!leg) return false
    this.#requeue(leg)
    // An old leg that serves again still owes the answers that it owed: they are the active leg's now, and hold back
    // nothing.
    if (leg === this.active) this.active = this.old
    if (this.active) this.active.passed = false
    this.old = null
    return true
  }

  /**
   * Nothing is held back any longer for the old leg's answers. A publish that may be sent twice is sent again; whatever
   * else it owes is waited for as long as that leg lives.
   */
  giveUpOld() {
    const { old } = this
    if (!old) return
    old.passed = true
    this.#requeue(old, (entry) => entry.repeatable && entry.patience < Infinity)
  }

  /** The application has given up a publish that may be on its way. */
  abandon(entry: Entry) {
    const { lane, leg } = entry
    // Nothing waits for a leg that was passed.
    if (!leg || leg.passed) return
    const before = [...leg.owed.keys()].filter((id) => !this.#entries.has(id))
    const same = before.find((id) => leg.owed.get(id) === lane)
    if (same !== undefined || before.length >= MAX_ABANDONED) leg.owed.delete(same ?? before[0]!)
    // It is still owed where it was sent, and nobody's any more.
    entry.leg = null
  }

  /** The server has answered that id: who was given up holds back nothing any more. */
  answered(id: string) {
    if (this.#entries.has(id)) return
    this.active?.owed.delete(id)
    this.old?.owed.delete(id)
  }

  /** Whether that leg still owes an answer. */
  owes(number: number | undefined): boolean {
    return !!this.#legOf(number)?.owed.size
  }

  /** Both legs are let go. */
  detach() {
    this.active = this.old = null
  }

  #legOf(number: number | undefined): OutboxLeg | null {
    const { active, old } = this
    return active?.number === number ? active : old?.number === number ? old : null
  }

  #count({ frame, bytes }: Entry, change: 1 | -1) {
    const size = this.size[frame.type]
    size.messages += change
    size.bytes += change * bytes
  }

  #place(entry: Entry, leg: OutboxLeg | null) {
    entry.leg?.owed.delete(entry.frame.id)
    entry.leg = leg
    if (!leg) return
    leg.owed.set(entry.frame.id, entry.lane)
    this.#waiting.delete(entry)
  }

  #requeue(leg: OutboxLeg | null, wanted: (entry: Entry) => boolean = () => true) {
    for (const id of leg?.owed.keys() ?? []) {
      const entry = this.#entries.get(id)
      if (!entry) leg!.owed.delete(id)
      else if (wanted(entry)) this.#place(entry, null)
    }
    this.#restoreOrder()
  }

  #restoreOrder() {
    const waiting = (this.#waiting = new Set())
    for (const entry of this.#entries.values()) if (entry.leg === null) waiting.add(entry)
  }
}
