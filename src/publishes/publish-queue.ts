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
  leg: Leg | null
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

export interface Leg {
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

/** Entries in the order in which they were published, up to two legs, and which entry is unanswered on which. */
export interface PublishQueue<Answer> {
  readonly active: Leg | null
  /** The former active leg, while its answers are waited for and while it can serve again. */
  readonly old: Leg | null
  readonly size: { readonly messages: number; readonly bytes: number }
  get(id: string): Entry<Answer> | undefined
  all(): readonly Entry<Answer>[]
  add(entry: Entry<Answer>): void
  /** It has settled. */
  remove(entry: Entry<Answer>): void
  /** It is unanswered on the active leg from now on. */
  sent(entry: Entry<Answer>): void
  /** It was not sent after all, and waits in its place. */
  unsent(entry: Entry<Answer>): void
  /**
   * The entry that may be sent next on the active leg: nothing passes one of its topic whose answer the old leg still
   * owes.
   */
  next(): Entry<Answer> | undefined
  /** The oldest one unanswered on the active leg, or on any. */
  oldest(anywhere?: boolean): Entry<Answer> | undefined
  /** `number` is the active leg, and the former one the old leg. */
  activate(number: number, maxFrame: number): void
  /** That leg is no more: what is unanswered on it waits again in its place. False where it was none of ours. */
  drop(number: number): boolean
  /**
   * Nothing is held back any longer for the old leg's answers. What may not be sent twice is waited for as long as that
   * leg lives.
   */
  giveUpOld(): void
  /** The application has given up a publish that may be on its way. */
  abandon(entry: Entry<Answer>): void
  /** The server has answered that id; a fence that it was is gone. */
  answered(id: string): void
  /** Whether that leg still owes an answer. */
  owes(number: number | undefined): boolean
  /** Both legs are let go. */
  detach(): void
}

/** Fences of a leg; beyond, the oldest goes. A server that answers nothing is left long before. */
const MAX_ABANDONED = 1_000

export function createPublishQueue<Answer>(dedupes: boolean): PublishQueue<Answer> {
  const entries = new Map<string, Entry<Answer>>()
  /** The entries without a leg, in order. */
  let waiting = new Set<Entry<Answer>>()
  let bytes = 0
  let active: Leg | null = null
  let old: Leg | null = null

  const legOf = (number: number | undefined) =>
    active?.number === number ? active : old?.number === number ? old : null

  function place(entry: Entry<Answer>, leg: Leg | null) {
    if (entry.leg) count(entry.leg, entry.topic, -1)
    entry.leg = leg
    if (!leg) return
    count(leg, entry.topic, 1)
    waiting.delete(entry)
  }

  function count({ unanswered }: Leg, topic: string, change: 1 | -1) {
    const left = (unanswered.get(topic) ?? 0) + change
    if (left > 0) unanswered.set(topic, left)
    else unanswered.delete(topic)
  }

  function passFence({ abandoned }: Leg, id: string) {
    for (const [topic, last] of abandoned) if (last === id) abandoned.delete(topic)
  }

  function owes(leg: Leg | null): boolean {
    return leg !== null && (leg.unanswered.size > 0 || leg.abandoned.size > 0)
  }

  function restoreOrder() {
    waiting = new Set()
    for (const entry of entries.values()) if (entry.leg === null) waiting.add(entry)
  }

  function requeue(leg: Leg | null) {
    if (!leg) return
    leg.abandoned.clear()
    if (leg.unanswered.size === 0) return
    for (const entry of entries.values()) if (entry.leg === leg) place(entry, null)
    restoreOrder()
  }

  return {
    get active() {
      return active
    },
    get old() {
      return old
    },
    get size() {
      return { messages: entries.size, bytes }
    },
    get: (id) => entries.get(id),
    all: () => [...entries.values()],
    add(entry) {
      entries.set(entry.id, entry)
      waiting.add(entry)
      bytes += entry.bytes
    },
    remove(entry) {
      place(entry, null)
      waiting.delete(entry)
      entries.delete(entry.id)
      bytes -= entry.bytes
    },
    sent: (entry) => place(entry, active),
    unsent(entry) {
      place(entry, null)
      restoreOrder()
    },
    next() {
      if (!active) return undefined
      for (const entry of waiting)
        if (old?.passed || (!old?.unanswered.has(entry.topic) && !old?.abandoned.has(entry.topic))) return entry
      return undefined
    },
    oldest(anywhere = false) {
      if (!anywhere && (!active || active.unanswered.size === 0)) return undefined
      for (const entry of entries.values()) if (entry.leg && (anywhere || entry.leg === active)) return entry
      return undefined
    },
    activate(number, maxFrame) {
      if (old?.number === number) {
        ;[active, old] = [old, active]
      } else if (active?.number !== number) {
        requeue(old)
        old = active
        active = { number, maxFrame, unanswered: new Map(), abandoned: new Map(), passed: false }
      }
      active!.maxFrame = maxFrame
    },
    drop(number) {
      const leg = legOf(number)
      if (!leg) return false
      requeue(leg)
      // An old leg that serves again still owes the answers that it owed: they are the active leg's now, and hold back
      // nothing.
      if (leg === active) active = old
      old = null
      return true
    },
    giveUpOld() {
      if (dedupes) return requeue(old)
      old?.abandoned.clear()
      if (old) old.passed = true
    },
    abandon({ id, topic, leg }) {
      // Nothing waits for a leg that was passed.
      if (!leg || leg.passed) return
      const { abandoned } = leg
      if (abandoned.size >= MAX_ABANDONED) abandoned.delete(abandoned.keys().next().value!)
      abandoned.set(topic, id)
    },
    answered(id) {
      if (active && active.abandoned.size > 0) passFence(active, id)
      if (old && old.abandoned.size > 0) passFence(old, id)
    },
    owes: (number) => owes(legOf(number)),
    detach() {
      active = old = null
    },
  }
}
