import type { Instant } from '../base/clock.js'
import type { LiveSocketError } from '../base/errors.js'

/** A publish from `publish()` until it settles. */
export interface Entry<Answer> {
  readonly id: string
  readonly topic: string
  /** Rising in each topic, and the same on every leg. */
  readonly n: number
  /** The data as it was: JSON text, or a copy of the bytes. */
  readonly kept: string | ArrayBuffer
  /** Of the whole frame, without `age`. */
  readonly bytes: number
  readonly queued: Instant
  readonly ttl: number
  /** The leg on which it is unanswered; null while it waits to be sent. The queue sets it. */
  leg: PublishLeg | null
  firstSent: Instant | null
  /** How often it was sent without an answer to that sending. */
  copies: number
  /** On the monotonic clock: the moment at which the leg becomes suspect, and the wait that ends then. */
  overdueAt: number
  patience: number
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: LiveSocketError) => void
  /** Lets go of the timer and the signal, where it has one. */
  release: (() => void) | null
}

export interface PublishLeg {
  readonly number: number
  maxFrame: number
  /** Publishes unanswered on it, by topic. */
  readonly unanswered: Map<string, number>
  /**
   * Of each topic the last publish that was sent on it and then given up by the application. The server may still be
   * about to apply it, so after a cutover it holds back newer ones as an unanswered one does. One id is enough: a
   * server answers a topic's in the order of arrival.
   */
  readonly abandoned: Map<string, string>
  /** Newer ones need not wait for its answers any more. */
  passed: boolean
}

/** Fences of a leg; beyond, the oldest goes. A server that answers nothing is left long before. */
const MAX_ABANDONED = 1_000

/** Entries in the order in which they were published, up to two legs, and which entry is unanswered on which. */
export class PublishQueue<Answer> {
  active: PublishLeg | null = null
  /** The former active leg, while its answers are waited for and while it can serve again. */
  old: PublishLeg | null = null
  readonly #entries = new Map<string, Entry<Answer>>()
  /** The entries without a leg, in order. */
  #waiting = new Set<Entry<Answer>>()
  #bytes = 0
  readonly #dedupes: boolean

  constructor(dedupes: boolean) {
    this.#dedupes = dedupes
  }

  get size(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#entries.size, bytes: this.#bytes }
  }

  get(id: string): Entry<Answer> | undefined {
    return this.#entries.get(id)
  }

  all(): readonly Entry<Answer>[] {
    return [...this.#entries.values()]
  }

  add(entry: Entry<Answer>) {
    this.#entries.set(entry.id, entry)
    this.#waiting.add(entry)
    this.#bytes += entry.bytes
  }

  /** It has settled. */
  remove(entry: Entry<Answer>) {
    this.#place(entry, null)
    this.#waiting.delete(entry)
    this.#entries.delete(entry.id)
    this.#bytes -= entry.bytes
  }

  /** It is unanswered on the active leg from now on. */
  sent(entry: Entry<Answer>) {
    this.#place(entry, this.active)
  }

  /** It was not sent after all, and waits in its place. */
  unsent(entry: Entry<Answer>) {
    this.#place(entry, null)
    this.#restoreOrder()
  }

  /**
   * The entry that may be sent next on the active leg: nothing passes one of its topic whose answer the old leg still
   * owes.
   */
  next(): Entry<Answer> | undefined {
    const { old } = this
    if (!this.active) return undefined
    for (const entry of this.#waiting)
      if (old?.passed || (!old?.unanswered.has(entry.topic) && !old?.abandoned.has(entry.topic))) return entry
    return undefined
  }

  /** The oldest one unanswered on the active leg, or on any. */
  oldest(anywhere = false): Entry<Answer> | undefined {
    const { active } = this
    if (!anywhere && (!active || active.unanswered.size === 0)) return undefined
    for (const entry of this.#entries.values()) if (entry.leg && (anywhere || entry.leg === active)) return entry
    return undefined
  }

  /** `number` is the active leg, and the former one the old leg. */
  activate(number: number, maxFrame: number) {
    const { active, old } = this
    if (old?.number === number) {
      this.active = old
      this.old = active
    } else if (active?.number !== number) {
      this.#requeue(old)
      this.old = active
      this.active = { number, maxFrame, unanswered: new Map(), abandoned: new Map(), passed: false }
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
    this.old = null
    return true
  }

  /**
   * Nothing is held back any longer for the old leg's answers. What may not be sent twice is waited for as long as that
   * leg lives.
   */
  giveUpOld() {
    const { old } = this
    if (this.#dedupes) return this.#requeue(old)
    old?.abandoned.clear()
    if (old) old.passed = true
  }

  /** The application has given up a publish that may be on its way. */
  abandon({ id, topic, leg }: Entry<Answer>) {
    // Nothing waits for a leg that was passed.
    if (!leg || leg.passed) return
    const { abandoned } = leg
    if (abandoned.size >= MAX_ABANDONED) abandoned.delete(abandoned.keys().next().value!)
    abandoned.set(topic, id)
  }

  /** The server has answered that id; a fence that it was is gone. */
  answered(id: string) {
    passFence(this.active, id)
    passFence(this.old, id)
  }

  /** Whether that leg still owes an answer. */
  owes(number: number | undefined): boolean {
    const leg = this.#legOf(number)
    return !!leg && (leg.unanswered.size > 0 || leg.abandoned.size > 0)
  }

  /** Both legs are let go. */
  detach() {
    this.active = this.old = null
  }

  #legOf(number: number | undefined): PublishLeg | null {
    const { active, old } = this
    return active?.number === number ? active : old?.number === number ? old : null
  }

  #place(entry: Entry<Answer>, leg: PublishLeg | null) {
    if (entry.leg) count(entry.leg, entry.topic, -1)
    entry.leg = leg
    if (!leg) return
    count(leg, entry.topic, 1)
    this.#waiting.delete(entry)
  }

  #requeue(leg: PublishLeg | null) {
    if (!leg) return
    leg.abandoned.clear()
    if (leg.unanswered.size === 0) return
    for (const entry of this.#entries.values()) if (entry.leg === leg) this.#place(entry, null)
    this.#restoreOrder()
  }

  #restoreOrder() {
    const waiting = (this.#waiting = new Set())
    for (const entry of this.#entries.values()) if (entry.leg === null) waiting.add(entry)
  }
}

function count({ unanswered }: PublishLeg, topic: string, change: 1 | -1) {
  const left = (unanswered.get(topic) ?? 0) + change
  if (left > 0) unanswered.set(topic, left)
  else unanswered.delete(topic)
}

function passFence(leg: PublishLeg | null, id: string) {
  if (leg) for (const [topic, last] of leg.abandoned) if (last === id) leg.abandoned.delete(topic)
}
