import type { SharedEntry } from './shared-entry.js'

/** The newest entries of a topic, without gaps, so that a leg that is a little behind need not ask the log. */
export interface RecentEntries {
  readonly oldest: number | undefined
  get(offset: number): SharedEntry | undefined
  /** Whether the entries from that offset on fill more than half of what may be kept, or are no longer kept. */
  farBehind(offset: number): boolean
  /** Adds an entry. If it is not the next one, the list starts over with it. */
  push(entry: SharedEntry): void
  clear(): void
}

export function createRecentEntries(maxMessages: number, maxBytes: number): RecentEntries {
  /** Each with the total bytes up to its end, so that the bytes between two entries are known. */
  let entries: { readonly entry: SharedEntry; readonly end: number }[] = []
  let first = 0
  let end = 0

  function clear() {
    entries = []
    first = 0
  }

  const at = (offset: number) => first + offset - (entries[first]?.entry.offset ?? offset)
  /** The bytes of the entries from that index on. */
  const bytesFrom = (index: number) => end - entries[index]!.end + entries[index]!.entry.data.length

  return {
    get oldest() {
      return entries[first]?.entry.offset
    },
    get(offset) {
      const index = at(offset)
      return index >= first ? entries[index]?.entry : undefined
    },
    farBehind(offset) {
      const index = at(offset)
      if (index >= entries.length) return false
      return index < first || entries.length - index > maxMessages / 2 || bytesFrom(index) > maxBytes / 2
    },
    push(entry) {
      const newest = entries[entries.length - 1]
      if (newest && newest.entry.offset + 1 !== entry.offset) clear()
      end += entry.data.length
      entries.push({ entry, end })
      while (entries.length - first > maxMessages || (bytesFrom(first) > maxBytes && entries.length - first > 1))
        first++
      if (first > 64 && first * 2 > entries.length) {
        entries = entries.slice(first)
        first = 0
      }
    },
    clear,
  }
}
