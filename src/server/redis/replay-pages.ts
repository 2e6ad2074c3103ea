import type { Clock } from '../../base/clock.js'
import type { LogEntry, LogPage, PageLimit } from '../log/topic-log.js'

/**
 * What was read of topics that have a listener here, kept for a while: many clients that resume at nearby positions
 * cost one read. Pages begin at fixed offsets, so that clients that are a few messages apart ask for the same page.
 */
export interface ReplayPages {
  read(topic: string, after: number, limit: PageLimit): Promise<LogPage>
  /** Numbering has started over, or nobody listens any longer. */
  forget(topic?: string): void
  close(): void
}

/** Messages of a page; it is also limited by the `maxBytes` that was asked for. */
const PAGE = 256
/** Milliseconds: long enough for a wave of reconnections to share it, short enough not to be a second history. */
const KEPT = 5_000
/** The most bytes kept, of all topics together. */
const MAX_BYTES = 16 * 1024 * 1024

interface Kept {
  readonly page: Promise<LogPage>
  bytes: number
}

export function createReplayPages(
  clock: Clock,
  fetch: (topic: string, after: number, limit: PageLimit) => Promise<LogPage>,
): ReplayPages {
  const topics = new Map<string, Map<number, Kept>>()
  const timers = new Set<() => void>()
  let bytes = 0

  function drop(topic: string, from: number, kept: Kept) {
    const pages = topics.get(topic)
    if (pages?.get(from) !== kept) return
    bytes -= kept.bytes
    pages.delete(from)
    if (pages.size === 0) topics.delete(topic)
  }

  function pageFrom(topic: string, from: number, maxBytes: number): Promise<LogPage> {
    const pages = topics.get(topic) ?? new Map<number, Kept>()
    topics.set(topic, pages)
    const known = pages.get(from)
    if (known) return known.page
    const kept: Kept = { page: fetch(topic, from, { maxMessages: PAGE, maxBytes }), bytes: 0 }
    pages.set(from, kept)
    const cancel = clock.setTimeout(() => {
      timers.delete(cancel)
      drop(topic, from, kept)
    }, KEPT)
    timers.add(cancel)
    kept.page.then(
      ({ entries }) => {
        if (pages.get(from) !== kept) return
        kept.bytes = entries.reduce((sum, { data }) => sum + data.length, 0)
        bytes += kept.bytes
        if (bytes > MAX_BYTES) drop(topic, from, kept)
      },
      () => drop(topic, from, kept),
    )
    return kept.page
  }

  return {
    async read(topic, after, limit) {
      const aligned = after - (after % PAGE)
      for (const from of aligned === after ? [after] : [aligned, after]) {
        const { epoch, entries } = await pageFrom(topic, from, limit.maxBytes)
        const wanted = within(entries, after, limit)
        if (wanted.length > 0) return { epoch, entries: wanted }
      }
      // That page was read before anything was there. There may be something now.
      return fetch(topic, after, limit)
    },
    forget(topic) {
      for (const [name, pages] of [...topics]) {
        if (topic !== undefined && name !== topic) continue
        for (const [from, kept] of [...pages]) drop(name, from, kept)
      }
    },
    close() {
      for (const cancel of timers) cancel()
      timers.clear()
      topics.clear()
    },
  }
}

function within(entries: readonly LogEntry[], after: number, limit: PageLimit): LogEntry[] {
  const found: LogEntry[] = []
  let bytes = 0
  for (const entry of entries) {
    if (entry.offset <= after) continue
    if (found.length >= limit.maxMessages || bytes >= limit.maxBytes) break
    found.push(entry)
    bytes += entry.data.length
  }
  return found
}
