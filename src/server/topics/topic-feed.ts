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
  /** A message was handed to those who read the topic here and keep up. */
  delivered?(topic: string, offset: number): void
  onError(error: unknown, doing: string): void
}

/** What is kept for legs that are a little behind; further back the log is asked. */
const RECENT = { messages: 512, bytes: 256 * 1024 }
/**
 * Who has taken nothing for so long, ms, does not read, and is not waited for: at the pace to which a topic is slowed
 * that others follow, and at that to which it is slowed where nobody does. In the latter what is on its way to one
 * reader, `limits.maxBuffered`, takes a few seconds.
 */
const STOPPED = { some: 1_000, all: 5_000 }
/** Hidden entries are told of together: well below the 250 ms for which a client holds what came out of order. */
const HIDDEN_DELAY = 100

/** One topic as this server hears it: one tail on the log, whatever the number of legs that read it. */
export class TopicFeed {
  private readonly topic: string
  private readonly deps: FeedDeps
  private readonly readers = new Set<TopicReader>()
  /** Those of them who are behind, and had no room for all that they lack. */
  private readonly slow = new Set<TopicReader>()
  private readonly recent = createRecentEntries(RECENT.messages, RECENT.bytes)
  private epoch = ''
  /** The newest offset that the tail brought, and the newest that is known of: a tail may lag. */
  private heard = 0
  private known = 0
  private oldest = 1
  /** What the tail tells of before its head is known. */
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

  /** Resolves when `join` can answer that request. Rejects where the log cannot. */
  async prepare(request: TopicRequest): Promise<void> {
    const fresh = this.stopTail === null
    await this.open()
    // A head that was asked for just now need not be asked for again, unless that leg knows better.
    if (request && !this.isKnown(request, fresh)) await this.refresh()
  }

  private isKnown(request: NonNullable<TopicRequest>, fresh: boolean): boolean {
    if ('last' in request) return fresh
    const { epoch, offset } = request
    return epoch === this.epoch && offset <= this.known && (fresh || offset === this.known)
  }

  /** Begins to read. Not a byte is sent before `start`, so that the frame that names the topic comes first. */
  join(request: TopicRequest, sink: ReaderSink): { readonly answer: TopicAnswer; readonly reader: TopicReader } {
    const { epoch, known, oldest } = this
    // Where it began is never before what is kept, nor after the head.
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

  /** To whoever reads the topic now and keeps up, but for the legs of that session. */
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
   * Who was up to date, and reads, and is far behind now: more of what comes at once would cost the log a read, or be
   * lost. Where that is everybody, it is not their lines that are slow.
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

  /** Whoever comes after it failed tries again: the feed may outlive those for whom it did. */
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
   * It has not read what it was sent. Or the tail has lost something: the log has it still, or the client will see from
   * `prev` that it has not.
   */
  private fallBehind(reader: TopicReader) {
    reader.live = false
    reader.tookAt = this.deps.clock.monotonic()
    this.pump(reader)
  }

  /**
   * The tail begins anew behind that offset, under an epoch that was heard of already: what is before it is in the log.
   */
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
    // What was asked before the epoch changed says nothing about the new one.
    do {
      before = this.epoch
      head = await this.deps.log.head(this.topic)
    } while (before !== this.epoch)
    if (head.epoch !== this.epoch) return this.adopt(head)
    this.known = Math.max(this.known, head.offset)
    this.oldest = Math.max(this.oldest, head.oldest)
  }

  /** Sends what the reader lacks, as far as there is room, and makes it live when there is nothing more. */
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
    // Neither here nor in the log: trimmed before it could be sent, or never kept.
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
