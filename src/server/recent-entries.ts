import { messageFrame } from './message-frame.js'
import type { Encoded } from './leg-socket.js'
import type { LogEntry } from './topic-log.js'

/** An entry on its way to many legs: encoded once for all that see the same frame, and parsed once for all filters. */
export interface SharedEntry extends LogEntry {
  frame(prev: number): Encoded
  value(): unknown
}

export function sharedEntry(topic: string, { offset, data }: LogEntry): SharedEntry {
  let last: { prev: number; frame: Encoded } | undefined
  let parsed: { value: unknown } | undefined
  return {
    offset,
    data,
    frame(prev) {
      if (last?.prev !== prev) last = { prev, frame: messageFrame(topic, offset, prev, data) }
      return last.frame
    },
    value() {
      parsed ??= { value: JSON.parse(data) }
      return parsed.value
    },
  }
}

/** The newest entries of a topic, without a hole, so that a leg that is a little behind need not ask the log. */
export interface RecentEntries {
  readonly oldest: number | undefined
  get(offset: number): SharedEntry | undefined
  /** The next one; one that is not the next begins anew. */
  push(entry: SharedEntry): void
  clear(): void
}

export function createRecentEntries(maxMessages: number, maxBytes: number): RecentEntries {
  let entries: SharedEntry[] = []
  let first = 0
  let bytes = 0

  function clear() {
    entries = []
    first = 0
    bytes = 0
  }

  return {
    get oldest() {
      return entries[first]?.offset
    },
    get(offset) {
      const oldest = entries[first]
      return oldest && offset >= oldest.offset ? entries[first + offset - oldest.offset] : undefined
    },
    push(entry) {
      const newest = entries[entries.length - 1]
      if (newest && newest.offset + 1 !== entry.offset) clear()
      entries.push(entry)
      bytes += entry.data.length
      while (entries.length - first > maxMessages || (bytes > maxBytes && entries.length - first > 1)) bytes -= entries[first++]!.data.length
      if (first > 64 && first * 2 > entries.length) {
        entries = entries.slice(first)
        first = 0
      }
    },
    clear,
  }
}
