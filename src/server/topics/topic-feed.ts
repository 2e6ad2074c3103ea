import type { Clock } from '../../base/clock.js'
import type { Position, TopicAnswer } from '../../protocol/frames.js'
import { quoted } from '../invalid.js'
import { MOST_WAITING } from '../limits.js'
import { createRecentEntries, sharedEntry, type SharedEntry } from './recent-entries.js'
import type { PageLimit, TailEvent, TopicHead, TopicLog } from '../log/topic-log.js'
import { createTopicReader, type ReaderSink, type TopicReader } from './topic-reader.js'

/** One topic as this server hears it: one tail on the log, whatever the number of legs that read it. */
export interface TopicFeed {
  /** Resolves when `join` can answer that request. Rejects where the log cannot. */
  prepare(request: Position | null): Promise<void>
  /** Begins to read. Not a byte is sent before `start`, so that the frame that names the topic comes first. */
  join(request: Position | null, sink: ReaderSink): { readonly answer: TopicAnswer; start(): void; leave(): void }
  /**
   * Whether somebody who was up to date, and reads, is far behind now: more of what comes at once would cost the log a
   * read, or be lost.
   */
  crowded(): boolean
  close(): void
}

export interface FeedDeps {
  readonly log: TopicLog
  readonly clock: Clock
  onError(error: unknown, doing: string): void
}

/** What is kept for legs that are a little behind; further back the log is asked, a page at a time. */
const RECENT = { messages: 512, bytes: 256 * 1024 }
/** As much as a leg has room for. */
const PAGE: PageLimit = { maxMessages: MOST_WAITING.pieces, maxBytes: MOST_WAITING.bytes }
/** Who has taken nothing for so long, ms, does not read, and is not waited for. */
const STOPPED = 1_000
/** Hidden entries are told of together: well below the 250 ms for which a client holds what came out of order. */
const HIDDEN_DELAY = 100
/** After a read that the log could not serve. */
const READ_RETRY = 500

/** Undefined: nothing could be read, and the reader is to look again. */
type Page = readonly SharedEntry[] | undefined

export function createTopicFeed(topic: string, { log, clock, onError }: FeedDeps): TopicFeed {
  const readers = new Set<TopicReader>()
  /** Those of them who were live until there was no room. */
  const slow = new Set<TopicReader>()
  const recent = createRecentEntries(RECENT.messages, RECENT.bytes)
  /** Pages on their way, by the offset that they begin after: legs that resume at one position share one read. */
  const pages = new Map<number, Promise<Page>>()
  let epoch = ''
  /** The newest offset that the tail brought, and the newest that is known of: a tail may lag. */
  let heard = 0
  let known = 0
  let oldest = 1
  let early: TailEvent[] | null = []
  let opening: Promise<void> | null = null
  let stopTail: (() => void) | null = null
  let closed = false
  let refreshing: Promise<void> | null = null
  let tellingHidden: (() => void) | null = null
  const timers = new Set<() => void>()

  /** Whoever comes after it failed tries again: the feed may outlive those for whom it did. */
  function open(): Promise<void> {
    opening ??= begin().catch((error: unknown) => {
      opening = null
      throw error
    })
    return opening
  }

  /** What the tail tells of before its head is known waits in `early`. */
  async function begin() {
    early = []
    const { head, stop } = await log.tail(topic, hear)
    if (closed) return stop()
    stopTail = stop
    epoch = head.epoch
    heard = known = head.offset
    oldest = head.oldest
    const missed = early
    early = null
    for (const event of missed) hear(event)
  }

  function hear(event: TailEvent) {
    if (closed) return
    if (early) return void early.push(event)
    if (event.type === 'epoch') return event.head.epoch === epoch ? catchUp(event.head.offset) : adopt(event.head)
    if (event.epoch !== epoch) return void refresh().catch(() => undefined)
    const { entry } = event
    if (entry.offset <= heard) return
    const shared = sharedEntry(topic, entry)
    heard = entry.offset
    known = Math.max(known, heard)
    recent.push(shared)
    for (const reader of readers) {
      if (!reader.live || reader.next() > entry.offset) continue
      if (reader.next() === entry.offset && reader.sink.hasRoom()) {
        reader.take(shared)
        continue
      }
      // It has not read what it was sent. Or the tail has lost something: the log has it still, or the client will see
      // from `prev` that it has not.
      reader.live = false
      reader.tookAt = clock.monotonic()
      slow.add(reader)
      pump(reader)
    }
    tellHiddenSoon()
  }

  /**
   * The tail begins anew behind that offset, under an epoch that was heard of already: what is before it is in the log.
   */
  function catchUp(offset: number) {
    if (offset <= heard) return
    heard = offset
    known = Math.max(known, heard)
    recent.clear()
    for (const reader of readers) {
      if (!reader.live || reader.next() > heard) continue
      reader.live = false
      pump(reader)
    }
  }

  function adopt(head: TopicHead) {
    if (head.epoch === epoch) return
    epoch = head.epoch
    heard = known = head.offset
    oldest = head.oldest
    recent.clear()
    pages.clear()
    for (const reader of readers) {
      reader.restart(oldest - 1)
      reader.live = false
      reader.sink.subscribed(topic, { epoch, offset: known, after: oldest - 1 })
      if (!reader.waiting) pump(reader)
    }
  }

  function refresh(): Promise<void> {
    refreshing ??= (async () => {
      try {
        let head: TopicHead
        let before: string
        // What was asked before the epoch changed says nothing about the new one.
        do {
          before = epoch
          head = await log.head(topic)
        } while (before !== epoch)
        if (head.epoch !== epoch) return adopt(head)
        known = Math.max(known, head.offset)
        oldest = Math.max(oldest, head.oldest)
      } finally {
        refreshing = null
      }
    })()
    return refreshing
  }

  /** Sends what the reader lacks, as far as there is room, and makes it live when there is nothing more. */
  function pump(reader: TopicReader) {
    if (slow.has(reader) && reader.sink.hasRoom()) reader.tookAt = clock.monotonic()
    while (!reader.gone) {
      if (reader.next() > heard) {
        reader.tellHidden()
        reader.live = true
        slow.delete(reader)
        return
      }
      if (!reader.sink.hasRoom()) return wait(reader, (then) => reader.sink.whenRoom(then))
      const entry = recent.get(reader.next())
      if (!entry) return wait(reader, (then) => readPage(reader.next() - 1, then))
      reader.take(entry)
    }
  }

  function wait(reader: TopicReader, until: (then: (page?: Page) => void) => void) {
    reader.waiting = true
    const asked = epoch
    until((page) => {
      reader.waiting = false
      if (reader.gone) return
      if (page && asked === epoch) takePage(reader, page)
      pump(reader)
    })
  }

  function takePage(reader: TopicReader, page: readonly SharedEntry[]) {
    const wanted = page.filter(({ offset }) => offset >= reader.next())
    // Neither here nor in the log: trimmed before it could be sent, or never kept.
    const first = Math.min(wanted[0]?.offset ?? Infinity, recent.oldest ?? Infinity, heard + 1)
    if (first > reader.next()) reader.skipTo(first)
    for (const entry of wanted) {
      if (reader.gone || entry.offset !== reader.next() || !reader.sink.hasRoom()) return
      reader.take(entry)
    }
  }

  function readPage(after: number, then: (page: Page) => void) {
    let page = pages.get(after)
    if (!page) {
      page = fetchPage(after).finally(() => pages.delete(after))
      pages.set(after, page)
    }
    void page.then(then)
  }

  async function fetchPage(after: number): Promise<Page> {
    const asked = epoch
    try {
      const page = await log.read(topic, after, PAGE)
      if (asked !== epoch) return undefined
      if (page.epoch === epoch) return page.entries.map((entry) => sharedEntry(topic, entry))
      await refresh()
      if (asked !== epoch) return undefined
    } catch (error) {
      onError(error, `reading the topic ${quoted(topic)}`)
    }
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimeout(() => {
        timers.delete(cancel)
        resolve()
      }, READ_RETRY)
      timers.add(cancel)
    })
    return undefined
  }

  function tellHiddenSoon() {
    if (tellingHidden) return
    let any = false
    for (const reader of readers) any ||= reader.live && reader.hidden()
    if (!any) return
    tellingHidden = clock.setTimeout(() => {
      tellingHidden = null
      for (const reader of readers) if (reader.live) reader.tellHidden()
    }, HIDDEN_DELAY)
  }

  return {
    async prepare(request) {
      const fresh = stopTail === null
      await open()
      // A head that was asked for just now need not be asked for again, unless that leg knows better.
      if (request && (request.epoch !== epoch || request.offset > known || (!fresh && request.offset !== known)))
        await refresh()
    },
    join(request, sink) {
      // Where it began is never before what is kept, nor after the head.
      const after =
        request === null ? known : Math.max(request.epoch === epoch ? Math.min(request.offset, known) : 0, oldest - 1)
      const reader = createTopicReader(topic, sink, after)
      readers.add(reader)
      return {
        answer: { epoch, offset: known, after },
        start: () => pump(reader),
        leave() {
          reader.gone = true
          readers.delete(reader)
          slow.delete(reader)
        },
      }
    },
    crowded() {
      if (slow.size === 0) return false
      const from = clock.monotonic() - STOPPED
      for (const reader of slow) if (reader.tookAt >= from && recent.farBehind(reader.next())) return true
      return false
    },
    close() {
      closed = true
      stopTail?.()
      tellingHidden?.()
      for (const cancel of timers) cancel()
    },
  }
}
