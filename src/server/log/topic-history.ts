import type { Json, LogEntry } from './topic-log.js'

/** How much is kept of each topic: as soon as one limit is exceeded, the oldest message is dropped. */
export interface HistoryLimits {
  /** The most messages kept of each topic. Default 1,000. With 0 none is kept, and nothing is replayed. */
  readonly maxMessages: number
  /** The most bytes of data kept of each topic. Default 1 MiB. */
  readonly maxBytes: number
  /**
   * Milliseconds that a message is kept. Default 300,000, 5 minutes: more than twice the longest wait of a
   * reconnection.
   */
  readonly maxAge: number
}

/** What is kept of one topic: always its newest messages, without gaps. */
export interface TopicHistory {
  readonly bytes: number
  readonly size: number
  /** The oldest kept offset, if there is one. */
  readonly oldest: number | undefined
  /** Adds the entry and trims to the limits. */
  push(offset: number, data: Json, now: number, about?: Json): void
  /** Trims by age. */
  age(now: number): void
  dropOldest(): void
  /** Entries above that offset. */
  after(offset: number, maxMessages: number, maxBytes: number): LogEntry[]
}

/** An entry; `about` is left out if there is none. */
export function entryOf(offset: number, data: Json, about: Json | undefined): LogEntry {
  return about === undefined ? { offset, data } : { offset, data, about }
}

interface Kept extends LogEntry {
  readonly at: number
  readonly bytes: number
}

export function createTopicHistory(limits: HistoryLimits, onBytes: (change: number) => void): TopicHistory {
  // A queue: entries before `first` are gone, and are cut off when they are more than half.
  let kept: Kept[] = []
  let first = 0
  let bytes = 0

  function dropOldest() {
    const entry = kept[first]
    if (!entry) return
    first++
    bytes -= entry.bytes
    onBytes(-entry.bytes)
    if (first === kept.length) {
      kept = []
      first = 0
    } else if (first > 64 && first * 2 > kept.length) {
      kept = kept.slice(first)
      first = 0
    }
  }

  function age(now: number) {
    for (let oldest = kept[first]; oldest && now - oldest.at >= limits.maxAge; oldest = kept[first]) dropOldest()
  }

  return {
    get bytes() {
      return bytes
    },
    get size() {
      return kept.length - first
    },
    get oldest() {
      return kept[first]?.offset
    },
    push(offset, data, now, about) {
      const entry = { offset, data, about, at: now, bytes: Buffer.byteLength(data) + (about?.length ?? 0) }
      kept.push(entry)
      bytes += entry.bytes
      onBytes(entry.bytes)
      while (kept.length - first > limits.maxMessages || bytes > limits.maxBytes) dropOldest()
      age(now)
    },
    age,
    dropOldest,
    after(offset, maxMessages, maxBytes) {
      const oldest = kept[first]
      if (!oldest) return []
      const from = first + Math.max(0, offset + 1 - oldest.offset)
      const page: LogEntry[] = []
      let size = 0
      for (let at = from; at < kept.length && page.length < maxMessages && size < maxBytes; at++) {
        const entry = kept[at]!
        page.push(entryOf(entry.offset, entry.data, entry.about))
        size += entry.bytes
      }
      return page
    },
  }
}
