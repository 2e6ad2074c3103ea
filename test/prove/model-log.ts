import type { TopicRecord } from './judge.js'

/**
 * The topic log according to the contract, written from docs/protocol.md alone. It shares no code with the product's
 * own logs, because a mistake in shared code would not be found.
 */
export interface Entry {
  readonly epoch: string
  readonly offset: number
  readonly data: unknown
  /** This client may not see the entry. */
  readonly hidden: boolean
}

export type Answer =
  | { readonly type: 'ack'; readonly offset: number }
  | { readonly type: 'nack'; readonly code: string; readonly message: string }

/** A class, because an object with getters of its own would have a different shape in each world and be slow. */
export class ModelLog implements TopicRecord {
  epoch = 'e0'
  head = 0
  trimmed = 0
  /** How often the content of the log was lost. */
  losses = 0
  readonly #alike: boolean
  /** The stored entries: from `trimmed + 1` to `head`. */
  #entries: Entry[] = []
  readonly #archives = new Map<string, Entry[]>()
  #answers = new Map<string, { readonly answer: Answer; readonly data: unknown }>()
  #newest = new Map<string, number>()
  readonly #applied = new Map<unknown, number>()

  /** `alike`: entries differ only in their offsets, whoever published them. */
  constructor(alike = false) {
    this.#alike = alike
  }

  /** Every epoch that ever had an entry. */
  get epochs(): readonly string[] {
    return [...this.#archives.keys()]
  }

  /** Every publish that was applied. */
  get publishes(): readonly unknown[] {
    return [...this.#applied.keys()]
  }

  archive(of: string): readonly Entry[] {
    return this.#archives.get(of) ?? []
  }

  /** The first stored entry after this offset. */
  next(after: number): Entry | undefined {
    return this.#entries[after - this.trimmed]
  }

  append(data: unknown, hidden = false): Entry {
    const entry = { epoch: this.epoch, offset: ++this.head, data: this.#alike ? null : data, hidden }
    this.#entries.push(entry)
    const archive = this.#archives.get(entry.epoch)
    if (archive) archive.push(entry)
    else this.#archives.set(entry.epoch, [entry])
    return entry
  }

  /** Applies a publish once: server rules 4 and 5. `since`: the number of losses when its leg was welcomed. */
  publish({ session, id, n, age, data }: Publish, since: number): Answer {
    const known = this.#answers.get(id)
    if (known) return known.answer
    if (since < this.losses || (age !== undefined && this.losses > 0))
      return { type: 'nack', code: 'outcome-unknown', message: 'the record is lost' }
    const answer: Answer =
      n <= (this.#newest.get(session) ?? 0)
        ? { type: 'nack', code: 'out-of-order', message: 'a later one was applied' }
        : { type: 'ack', offset: this.#told(this.append(data)) }
    if (answer.type === 'ack') {
      this.#newest.set(session, n)
      this.#applied.set(data, this.applied(data) + 1)
    }
    this.#answers.set(id, { answer, data })
    return answer
  }

  /** The offset in an acknowledgement. Nothing depends on it. */
  #told({ offset }: Entry): number {
    return this.#alike ? 1 : offset
  }

  /** Drops answers that no client can ask for any more. */
  forgetAnswers(wanted: (id: string, data: unknown) => boolean) {
    for (const [id, { data }] of this.#answers) if (!wanted(id, data)) this.#answers.delete(id)
  }

  applied(data: unknown): number {
    return this.#applied.get(data) ?? 0
  }

  /** Everything is lost, and the numbering starts over. */
  lose() {
    this.epoch = `e${++this.losses}`
    this.#entries = []
    this.trimmed = this.head = 0
    this.#answers = new Map()
    this.#newest = new Map()
  }

  /** Drops everything except the newest `keep` entries. */
  trim(keep: number) {
    this.trimmed = Math.max(this.trimmed, this.head - keep)
    this.#entries = this.#entries.filter(({ offset }) => offset > this.trimmed)
  }
}

interface Publish {
  readonly session: string
  readonly id: string
  readonly n: number
  readonly age?: number
  readonly data: unknown
}
