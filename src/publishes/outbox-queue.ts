import type { OutboxEntry } from './outbox-entry.js'
import type { OutboxLeg } from './outbox-leg.js'

/**
 * The most publishes per leg that were given up and are still unanswered; above it the oldest is dropped. A server that
 * answers nothing is left long before.
 */
const MAX_ABANDONED = 1_000

/**
 * Entries in the order in which they were published, up to two legs, and which entry is unanswered on which leg. An
 * entry is only ever held back by entries before it.
 */
export class OutboxQueue {
  active: OutboxLeg | null = null
  /** The previous active leg, while its answers are awaited and while it can serve again. */
  old: OutboxLeg | null = null
  readonly #entries = new Map<string, OutboxEntry>()
  /** How many entries have no leg. */
  #waiting = 0
  /** The entries and bytes in the queue, by kind. */
  readonly size = { publish: { messages: 0, bytes: 0 }, request: { messages: 0, bytes: 0 } }

  get(id: string): OutboxEntry | undefined {
    return this.#entries.get(id)
  }

  all(): readonly OutboxEntry[] {
    return [...this.#entries.values()]
  }

  add(entry: OutboxEntry) {
    this.#entries.set(entry.id, entry)
    this.#waiting++
    this.#count(entry, 1)
  }

  /** Removes an entry that has settled. It may have been removed before. */
  remove(entry: OutboxEntry) {
    if (!this.#entries.delete(entry.id)) return
    this.place(entry, null)
    this.#waiting--
    this.#count(entry, -1)
  }

  /** The entry is unanswered on that leg from now on; null: it waits in its place. */
  place(entry: OutboxEntry, leg: OutboxLeg | null) {
    if (entry.leg) entry.leg.owed--
    else this.#waiting--
    if (leg) leg.owed++
    else this.#waiting++
    entry.leg = leg
  }

  /**
   * The entries that may be sent on the active leg, in order, produced on demand. No entry overtakes one of its lane
   * whose answer the old leg still owes. If only `newest` is waiting, only that entry is looked at. It is checked by
   * id, because it may have been withdrawn or sent meanwhile while another one waits.
   */
  *sendable(newest?: OutboxEntry): Iterable<OutboxEntry> {
    if (!this.active || this.#waiting === 0) return
    const holding = this.old?.passed ? null : this.old
    if (newest && !holding && this.#waiting === 1 && this.get(newest.id)?.leg === null) return void (yield newest)
    const held = new Set(holding?.abandoned.keys())
    for (const entry of this.#entries.values())
      if (!entry.leg) {
        if (!held.has(entry.lane)) yield entry
      } else if (entry.leg === holding) held.add(entry.lane)
  }

  /** The oldest entry whose patience may run out: on the active leg, or, if it may not be sent twice, on any leg. */
  oldest(): OutboxEntry | undefined {
    return this.all().find(
      ({ leg, patience, repeatable }) => leg && patience < Infinity && (leg === this.active || !repeatable),
    )
  }

  /** Makes `number` the active leg, and the previous one the old leg. */
  activate(number: number, maxFrame = Infinity) {
    const { active, old } = this
    if (old?.number === number) {
      this.active = old
      this.old = active
      old.passed = false
    } else if (active?.number !== number) {
      this.#requeue(old)
      this.old = active
      this.active = { number, maxFrame, owed: 0, abandoned: new Map(), passed: false }
    }
    this.active!.maxFrame = maxFrame
  }

  /**
   * The leg has ended: its unanswered entries wait again in their places. False if it was neither the active leg nor
   * the old one.
   */
  drop(number: number): boolean {
    const leg = this.#legOf(number)
    if (!leg) return false
    this.#requeue(leg)
    // An old leg that serves again still owes its answers. They are the active leg's now, and hold back nothing.
    if (leg === this.active) this.active = this.old
    if (this.active) this.active.passed = false
    this.old = null
    return true
  }

  /**
   * Stops holding back entries for the old leg's answers. Publishes that may be sent twice are sent again; the old
   * leg's other answers are awaited as long as that leg lives.
   */
  giveUpOld() {
    const { old } = this
    if (!old) return
    old.passed = true
    this.#requeue(old, (entry) => entry.repeatable && entry.patience < Infinity)
  }

  /** Notes that the application has given up a publish that may already be on its way. */
  abandon({ id, lane, leg }: OutboxEntry) {
    // Nothing waits for the answers of a leg that was passed.
    if (!leg || leg.passed) return
    const { abandoned } = leg
    abandoned.delete(lane)
    abandoned.set(lane, id)
    if (abandoned.size > MAX_ABANDONED) abandoned.delete(abandoned.keys().next().value!)
  }

  /**
   * The entry that the server has answered; an entry that was never sent has no answer. An answer to a publish that was
   * given up ends what it held back.
   */
  answered(id: string): OutboxEntry | undefined {
    const entry = this.#entries.get(id)
    if (entry) return entry.firstSent ? entry : undefined
    for (const leg of [this.active, this.old])
      for (const [lane, abandoned] of leg?.abandoned ?? []) if (abandoned === id) leg!.abandoned.delete(lane)
    return undefined
  }

  /** Whether that leg still owes an answer, also to a publish that was given up. */
  owes(number: number | undefined): boolean {
    const leg = this.#legOf(number)
    return !!leg && leg.owed + leg.abandoned.size > 0
  }

  #legOf(number: number | undefined): OutboxLeg | null {
    const { active, old } = this
    return active?.number === number ? active : old?.number === number ? old : null
  }

  #count({ type, bytes }: OutboxEntry, change: 1 | -1) {
    const size = this.size[type]
    size.messages += change
    size.bytes += change * bytes
  }

  #requeue(leg: OutboxLeg | null, wanted: (entry: OutboxEntry) => boolean = () => true) {
    if (!leg) return
    leg.abandoned.clear()
    for (const entry of this.#entries.values()) if (entry.leg === leg && wanted(entry)) this.place(entry, null)
  }
}
