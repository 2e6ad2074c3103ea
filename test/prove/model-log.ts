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

export interface ModelLog extends TopicRecord {
  readonly head: number
  /** How often its content was lost. */
  readonly losses: number
  read(after: number): readonly Entry[]
  append(data: unknown, hidden?: boolean): Entry
  /** Applies a publish once: server rules 4 and 5. `since`: how many losses there had been when its leg was welcomed. */
  publish(publish: { session: string; id: string; n: number; age?: number; data: unknown }, since: number): Answer
  /** Everything is gone, and the numbering starts over. */
  lose(): void
  /** Nothing up to the head is kept, but the newest `keep`. */
  trim(keep: number): void
}

export function createModelLog(): ModelLog {
  let losses = 0
  let entries: Entry[] = []
  let trimmed = 0
  let head = 0
  const archives = new Map<string, Entry[]>()
  let answers = new Map<string, Answer>()
  let newest = new Map<string, number>()
  const applied = new Map<unknown, number>()
  const epoch = () => `e${losses}`

  function append(data: unknown, hidden = false): Entry {
    const entry = { epoch: epoch(), offset: ++head, data, hidden }
    entries.push(entry)
    archives.set(entry.epoch, [...(archives.get(entry.epoch) ?? []), entry])
    return entry
  }

  return {
    get epoch() {
      return epoch()
    },
    get head() {
      return head
    },
    get trimmed() {
      return trimmed
    },
    get losses() {
      return losses
    },
    archive: (of) => archives.get(of) ?? [],
    read: (after) => entries.filter(({ offset }) => offset > after),
    append,
    publish({ session, id, n, age, data }, since) {
      const known = answers.get(id)
      if (known) return known
      const unknown = { type: 'nack', code: 'outcome-unknown', message: 'the record is lost' } as const
      if (since < losses || (age !== undefined && losses > 0)) return unknown
      const answer: Answer =
        n <= (newest.get(session) ?? 0)
          ? { type: 'nack', code: 'out-of-order', message: 'a later one was applied' }
          : { type: 'ack', offset: append(data).offset }
      if (answer.type === 'ack') {
        newest.set(session, n)
        applied.set(data, (applied.get(data) ?? 0) + 1)
      }
      answers.set(id, answer)
      return answer
    },
    applied: (data) => applied.get(data) ?? 0,
    lose() {
      losses++
      entries = []
      trimmed = head = 0
      answers = new Map()
      newest = new Map()
    },
    trim(keep) {
      trimmed = Math.max(trimmed, head - keep)
      entries = entries.filter(({ offset }) => offset > trimmed)
    },
  }
}
