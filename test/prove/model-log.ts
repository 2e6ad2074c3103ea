import type { TopicRecord } from './judge.js'

/**
 * The topic log as the contract has it, written from docs/protocol.md alone. It shares no line with the product's own
 * logs, or a mistake in them would be right here too.
 */
export interface Entry {
  readonly epoch: string
  readonly offset: number
  readonly data: unknown
  /** This client may not see it. */
  readonly hidden: boolean
}

export type Answer =
  | { readonly type: 'ack'; readonly offset: number }
  | { readonly type: 'nack'; readonly code: string; readonly message: string }

/** A class: an object with getters of its own would be of a shape of its own in each world, and slow to use. */
export class ModelLog implements TopicRecord {
  epoch = 'e0'
  head = 0
  trimmed = 0
  /** How often its content was lost. */
  losses = 0
  readonly #alike: boolean
  /** What is kept: from `trimmed + 1` to `head`. */
  #entries: Entry[] = []
  readonly #archives = new Map<string, Entry[]>()
  #answers = new Map<string, { readonly answer: Answer; readonly data: unknown }>()
  #newest = new Map<string, number>()
  readonly #applied = new Map<unknown, number>()

  /** `alike`: entries differ in nothing but their offsets, whoever made them. */
  constructor(alike = false) {
    this.#alike = alike
  }

  /** Every epoch in which there was anything. */
  get epochs(): readonly string[] {
    return [...this.#archives.keys()]
  }

  /** What was published and applied. */
  get publishes(): readonly unknown[] {
    return [...this.#applied.keys()]
  }

  archive(of: string): readonly Entry[] {
    return this.#archives.get(of) ?? []
  }

  /** The first entry behind that offset, which is no older than what is kept. */
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

  /** Applies a publish once: server rules 4 and 5. `since`: how many losses there had been when its leg was welcomed. */
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

  /** The offset that an acknowledgement names. Nothing depends on it. */
  #told({ offset }: Entry): number {
    return this.#alike ? 1 : offset
  }

  /** Answers that nobody can ask for any more. */
  forgetAnswers(wanted: (id: string, data: unknown) => boolean) {
    for (const [id, { data }] of this.#answers) if (!wanted(id, data)) this.#answers.delete(id)
  }

  applied(data: unknown): number {
    return this.#applied.get(data) ?? 0
  }

  /** Everything is gone, and the numbering starts over. */
  lose() {
    this.epoch = `e${++this.losses}`
    this.#entries = []
    this.trimmed = this.head = 0
    this.#answers = new Map()
    this.#newest = new Map()
  }

  /** Nothing up to the head is kept, but the newest `keep`. */
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
