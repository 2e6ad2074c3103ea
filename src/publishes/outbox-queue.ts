import type { OutboxEntry } from './outbox-entry.js'
import type { OutboxLeg } from './outbox-leg.js'

/** Given up, and still owed by a leg; beyond, the oldest goes. A server that answers nothing is left long before. */
const MAX_ABANDONED = 1_000

/**
 * Entries in the order in which they were published, up to two legs, and which entry is unanswered on which. Whatever
 * holds back an entry stands before it.
 */
export class OutboxQueue {
  active: OutboxLeg | null = null
  /** The former active leg, while its answers are waited for and while it can serve again. */
  old: OutboxLeg | null = null
  readonly #entries = new Map<string, OutboxEntry>()
  /** How many of them have no leg. */
  #waiting = 0
  /** What is in it, of each kind. */
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

  /** It has settled, now or before. */
  remove(entry: OutboxEntry) {
    if (!this.#entries.delete(entry.id)) return
    this.place(entry, null)
    this.#waiting--
    this.#count(entry, -1)
  }

  /** It is unanswered on that leg from now on; null: it waits in its place. */
  place(entry: OutboxEntry, leg: OutboxLeg | null) {
    if (entry.leg) entry.leg.owed--
    else this.#waiting--
    if (leg) leg.owed++
    else this.#waiting++
    entry.leg = leg
  }

  /**
   * What may be sent on the active leg, in order, as far as it is asked for: nothing passes one of its lane whose answer the old leg still owes.
   * Where nothing but `newest` waits, that alone is looked at: it may be taken back by then, or sent, and another waits.
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

  /** The oldest whose patience may run out: on the active leg, or, where it may not be sent twice, on any. */
  oldest(): OutboxEntry | undefined {
    return this.all().find(
      ({ leg, patience, repeatable }) => leg && patience < Infinity && (leg === this.active || !repeatable),
    )
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
      this.active = { number, maxFrame, owed: 0, abandoned: new Map(), passed: false }
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
  abandon({ id, lane, leg }: OutboxEntry) {
    // Nothing waits for a leg that was passed.
    if (!leg || leg.passed) return
    const { abandoned } = leg
    abandoned.delete(lane)
    abandoned.set(lane, id)
    if (abandoned.size > MAX_ABANDONED) abandoned.delete(abandoned.keys().next().value!)
  }

  /**
   * The entry that the server has answered; one that was never sent has no answer. What was given up holds back nothing
   * any more.
   */
  answered(id: string): OutboxEntry | undefined {
    const entry = this.#entries.get(id)
    if (entry) return entry.firstSent ? entry : undefined
    for (const leg of [this.active, this.old])
      for (const [lane, abandoned] of leg?.abandoned ?? []) if (abandoned === id) leg!.abandoned.delete(lane)
    return undefined
  }

  /** Whether that leg still owes an answer. */
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
