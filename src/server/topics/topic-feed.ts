import type { Clock } from '../../base/clock.js'
import type { TopicAnswer, TopicRequest } from '../../protocol/frames.js'
import type { TailEvent, TopicHead, TopicLog } from '../log/topic-log.js'
import type { Encoded } from './encoded.js'
import { createRecentEntries } from './recent-entries.js'
import { SharedEntry } from './shared-entry.js'
import { createTopicPages, type Page, type TopicPages } from './topic-pages.js'
import { TopicReader, type ReaderSink } from './topic-reader.js'

export interface FeedDeps {
  readonly log: TopicLog
  readonly clock: Clock
  /** A message was handed to the readers of the topic here that keep up. */
  delivered?(topic: string, offset: number): void
  onError(error: unknown, doing: string): void
}

/** What is kept for legs that are a little behind; entries further back are read from the log. */
const RECENT = { messages: 512, bytes: 256 * 1024 }
/**
 * Milliseconds. A reader that has taken nothing for this long is not reading, and is not waited for. There are two
 * rates to which a topic is slowed down: `some` if other readers follow, and `all` if none does. At the second rate,
 * what is on its way to one reader (`limits.maxBuffered`) takes a few seconds.
 */
const STOPPED = { some: 1_000, all: 5_000 }
/**
 * Milliseconds: hidden entries are reported together, well within the 250 ms for which a client holds a message that
 * came out of order.
 */
const HIDDEN_DELAY = 100

/** One topic as this server reads it: one tail on the log, however many legs read it. */
export class TopicFeed {
  private readonly topic: string
  private readonly deps: FeedDeps
  private readonly readers = new Set<TopicReader>()
  /** The readers that are behind, and had no room for everything that they lack. */
  private readonly slow = new Set<TopicReader>()
  private readonly recent = createRecentEntries(RECENT.messages, RECENT.bytes)
  private epoch = ''
  /** The newest offset that the tail has delivered, and the newest that is known to exist: a tail may lag. */
  private heard = 0
  private known = 0
  private oldest = 1
  /** Events of the tail that came before its head was known. */
  private early: TailEvent[] | null = null
  private opening: Promise<void> | null = null
  private refreshing: Promise<void> | null = null
  private pages: TopicPages | null = null
  private stopTail: (() => void) | null = null
  private tellingHidden: (() => void) | null = null
  private closed = false

  constructor(topic: string, deps: FeedDeps) {
    this.topic = topic
    this.deps = deps
  }

  /** Resolves when `join` can answer that request. Rejects if the log cannot be reached. */
  async prepare(request: TopicRequest): Promise<void> {
    const fresh = this.stopTail === null
    await this.open()
    // A head that was read just now need not be read again, unless the leg knows a newer position.
    if (request && !this.isKnown(request, fresh)) await this.refresh()
  }

  private isKnown(request: NonNullable<TopicRequest>, fresh: boolean): boolean {
    if ('last' in request) return fresh
    const { epoch, offset } = request
    return epoch === this.epoch && offset <= this.known && (fresh || offset === this.known)
  }

  /** Adds a reader. Nothing is sent before `start`, so that the frame that names the topic comes first. */
  join(request: TopicRequest, sink: ReaderSink): { readonly answer: TopicAnswer; readonly reader: TopicReader } {
    const { epoch, known, oldest } = this
    // The start is never before what is kept, nor after the head.
    const wanted =
      request === null
        ? known
        : request.last !== undefined
          ? known - request.last
          : request.epoch === epoch
            ? Math.min(request.offset, known)
            : 0
    const after = request === null ? known : Math.max(wanted, oldest - 1)
    const reader = new TopicReader(this.topic, sink, after)
    this.readers.add(reader)
    return { answer: { epoch, offset: known, after }, reader }
  }

  start(reader: TopicReader): void {
    this.pump(reader)
  }

  /** Sends a signal to all readers that keep up at present, except the legs of that session. */
  signal(frame: Encoded, except: string | undefined): void {
    for (const { sink } of this.readers)
      if (sink.hasRoom() && (except === undefined || sink.session?.() !== except)) sink.signal?.(frame)
  }

  leave(reader: TopicReader): void {
    reader.gone = true
    reader.stopWaiting?.()
    this.readers.delete(reader)
    this.slow.delete(reader)
  }

  /**
   * Whether readers that were up to date, and still read, have fallen far behind. Publishing more at once would cost
   * the log a read for them, or lose messages. If all of them are behind, their connections are not what is slow.
   */
  behind(): 'nobody' | 'some' | 'all' {
    if (this.slow.size === 0) return 'nobody'
    const now = this.deps.clock.monotonic()
    let takes = false
    let took = false
    let follows = false
    for (const { next, tookAt } of this.slow) {
      const age = now - tookAt
      if (age > STOPPED.all) continue
      if (this.recent.farBehind(next)) {
        took = true
        takes ||= age <= STOPPED.some
      } else follows ||= age <= STOPPED.some
      if (takes && follows) return 'some'
    }
    if (!took) return 'nobody'
    if (!follows) for (const { live } of this.readers) if (live) follows = true
    if (!follows) return 'all'
    return takes ? 'some' : 'nobody'
  }

  close(): void {
    this.closed = true
    this.stopTail?.()
    this.tellingHidden?.()
    this.pages?.close()
  }

  /**
   * Opens the tail. After a failure the next caller tries again, because the feed may outlive the reader for which it
   * failed.
   */
  private open(): Promise<void> {
    this.opening ??= this.begin().catch((error: unknown) => {
      this.opening = null
      throw error
    })
    return this.opening
  }

  private async begin() {
    this.early = []
    const { head, stop } = await this.deps.log.tail(this.topic, (event) => this.hear(event))
    if (this.closed) return stop()
    this.stopTail = stop
    this.beginAt(head)
    const missed = this.early
    this.early = null
    for (const event of missed) this.hear(event)
  }

  private beginAt({ epoch, offset, oldest }: TopicHead) {
    this.epoch = epoch
    this.heard = this.known = offset
    this.oldest = oldest
  }

  private hear(event: TailEvent) {
    if (this.closed) return
    if (this.early) return void this.early.push(event)
    if (event.type === 'epoch')
      return event.head.epoch === this.epoch ? this.catchUp(event.head.offset) : this.adopt(event.head)
    if (event.epoch !== this.epoch) return void this.refresh().catch(() => undefined)
    if (event.entry.offset <= this.heard) return
    const entry = new SharedEntry(this.topic, event.entry)
    this.heard = entry.offset
    this.known = Math.max(this.known, this.heard)
    this.recent.push(entry)
    this.fanOut(entry)
  }

  private fanOut(entry: SharedEntry) {
    let anyHidden = false
    for (const reader of this.readers) {
      if (!reader.live || reader.next > entry.offset) continue
      if (reader.next === entry.offset && reader.sink.hasRoom()) {
        reader.take(entry)
        anyHidden ||= reader.hidden()
      } else this.fallBehind(reader)
    }
    if (anyHidden) this.tellHiddenSoon()
    if (this.readers.size > 0) this.deps.delivered?.(this.topic, entry.offset)
  }

  /**
   * The reader has not read what it was sent, or the tail has lost an entry. Either the log still has it, or `prev`
   * will show the client what is missing.
   */
  private fallBehind(reader: TopicReader) {
    reader.live = false
    reader.tookAt = this.deps.clock.monotonic()
    this.pump(reader)
  }

  /** The tail continues above that offset, under the epoch that is already known. What is before it is in the log. */
  private catchUp(offset: number) {
    if (offset <= this.heard) return
    this.heard = offset
    this.known = Math.max(this.known, offset)
    this.recent.clear()
    for (const reader of this.readers) {
      if (!reader.live || reader.next > offset) continue
      reader.live = false
      this.pump(reader)
    }
  }

  private adopt(head: TopicHead) {
    if (head.epoch === this.epoch) return
    this.beginAt(head)
    this.recent.clear()
    this.pages?.forget()
    const { epoch, known, oldest } = this
    for (const reader of this.readers) {
      reader.restart(oldest - 1)
      reader.live = false
      reader.sink.subscribed(this.topic, { epoch, offset: known, after: oldest - 1 })
      if (!reader.waiting) this.pump(reader)
    }
  }

  private refresh(): Promise<void> {
    this.refreshing ??= this.askHead().finally(() => void (this.refreshing = null))
    return this.refreshing
  }

  private async askHead() {
    let head: TopicHead
    let before: string
    // A head that was read before the epoch changed says nothing about the new epoch.
    do {
      before = this.epoch
      head = await this.deps.log.head(this.topic)
    } while (before !== this.epoch)
    if (head.epoch !== this.epoch) return this.adopt(head)
    this.known = Math.max(this.known, head.offset)
    this.oldest = Math.max(this.oldest, head.oldest)
  }

  /** Sends what the reader lacks, as far as there is room, and makes the reader live when nothing is left. */
  private pump(reader: TopicReader) {
    const { sink } = reader
    if (!reader.live && sink.hasRoom()) reader.tookAt = this.deps.clock.monotonic()
    while (!reader.gone) {
      if (reader.next > this.heard) {
        reader.tellRest(this.epoch)
        reader.live = true
        this.slow.delete(reader)
        return
      }
      if (!sink.hasRoom()) {
        if (reader.tookAt === -Infinity) reader.tookAt = this.deps.clock.monotonic()
        this.slow.add(reader)
        return this.wait(reader, (then) => void (reader.stopWaiting = sink.whenRoom(then)))
      }
      const entry = this.recent.get(reader.next)
      if (!entry) return this.wait(reader, (then) => this.readPage(reader.next - 1, then))
      reader.take(entry)
    }
  }

  private wait(reader: TopicReader, until: (then: (page?: Page) => void) => void) {
    reader.waiting = true
    const asked = this.epoch
    until((page) => {
      reader.waiting = false
      if (reader.gone) return
      if (page && asked === this.epoch) this.takePage(reader, page)
      this.pump(reader)
    })
  }

  private readPage(after: number, then: (page: Page) => void) {
    this.pages ??= createTopicPages(this.topic, {
      ...this.deps,
      epoch: () => this.epoch,
      refresh: () => this.refresh(),
    })
    this.pages.read(after, then)
  }

  private takePage(reader: TopicReader, page: readonly SharedEntry[]) {
    const wanted = page.filter(({ offset }) => offset >= reader.next)
    // Entries that are neither here nor in the log were trimmed before they could be sent, or never kept.
    const first = Math.min(wanted[0]?.offset ?? Infinity, this.recent.oldest ?? Infinity, this.heard + 1)
    if (first > reader.next) reader.skipTo(first)
    for (const entry of wanted) {
      if (reader.gone || entry.offset !== reader.next || !reader.sink.hasRoom()) return
      reader.take(entry)
    }
  }

  private tellHiddenSoon() {
    this.tellingHidden ??= this.deps.clock.setTimeout(() => {
      this.tellingHidden = null
      for (const reader of this.readers) if (reader.live) reader.tellRest(this.epoch)
    }, HIDDEN_DELAY)
  }
}
