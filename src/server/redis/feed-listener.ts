import { quoted } from '../../base/invalid.js'
import type { LogEntry, TailEvent, TopicHead } from '../log/topic-log.js'

/** A head, and the feed's position at that moment. */
export interface FeedHead extends TopicHead {
  readonly seq: number
  readonly at: string
}

export interface FeedListenerDeps {
  head(topic: string): Promise<FeedHead>
  /** Entries above `after`, the oldest first. */
  entries(topic: string, after: number): Promise<{ readonly epoch: string; readonly entries: readonly LogEntry[] }>
  /** Starts to read the feed at that head: whatever is appended after it was read comes later in the feed. */
  startReading(head: FeedHead): void
  /** Whether Redis can be reached. */
  here(): boolean
  /** Runs a task once, after a delay. */
  later(task: () => void): void
  onError(error: unknown, doing: string): void
}

/**
 * The most entries of a topic that wait while it catches up; if there are more, they are read from the topic instead.
 */
const MOST_EARLY = 1_000

/** `before`: it came before the topic's head was read. */
type Early = { readonly epoch: string; readonly entry: LogEntry; before: boolean }[]

/** A listener that gets everything that comes into a topic, in order and without gaps. */
export class FeedListener {
  readonly topic: string
  private readonly deps: FeedListenerDeps
  private readonly tell: (event: TailEvent) => void
  /** Empty until it has begun. */
  private epoch = ''
  /** The newest offset told, or the one where it began. */
  private told = 0
  /**
   * Entries that come while it catches up wait here. Each attempt to catch up has a list of its own, which shows it
   * whether it is still wanted.
   */
  private early: Early | null = []
  private gone = false

  constructor(topic: string, tell: (event: TailEvent) => void, deps: FeedListenerDeps) {
    this.topic = topic
    this.tell = tell
    this.deps = deps
  }

  begin(head: TopicHead): void {
    this.epoch = head.epoch
    this.told = head.offset
    this.release()
  }

  leave(): void {
    this.gone = true
  }

  take(epoch: string, entry: LogEntry): void {
    if (this.gone) return
    if (this.early) {
      // The last entry alone is enough: it shows that there were more.
      if (this.early.length >= MOST_EARLY) this.early.length = 0
      return void this.early.push({ epoch, entry, before: false })
    }
    if (epoch === this.epoch) {
      if (entry.offset <= this.told) return
      if (entry.offset === this.told + 1) return this.pass(entry)
    }
    this.catchUp({ epoch, entry, before: false })
  }

  /**
   * This node has appended the entry. It is told now, if everything before it was. Otherwise it comes with the feed.
   */
  appended(epoch: string, entry: LogEntry): void {
    if (!this.early && epoch === this.epoch && entry.offset === this.told + 1) this.take(epoch, entry)
  }

  /** Something unknown may have been missed. A listener that has not begun reads its head anyway. */
  behind(): void {
    if (this.epoch === '') return
    this.early = null
    this.catchUp()
  }

  /** Reads the topic's head, tells what was missed, and then what came meanwhile. */
  catchUp(...heard: Early): void {
    if (this.early) return
    this.early = heard
    this.attempt(this.early)
  }

  private attempt(early: Early) {
    const { here, later, onError } = this.deps
    this.readMissed(early).catch((error: unknown) => {
      // If Redis is away, `behind` tries again.
      if (this.isOver(early) || !here()) return
      onError(error, `catching up on the topic ${quoted(this.topic)}`)
      later(() => void (this.isOver(early) || this.attempt(early)))
    })
  }

  private isOver(early: Early): boolean {
    return this.gone || this.early !== early
  }

  private async readMissed(early: Early): Promise<void> {
    for (const one of early) one.before = true
    const head = await this.deps.head(this.topic)
    if (this.isOver(early)) return
    this.deps.startReading(head)
    if (head.epoch !== this.epoch) this.beginAnew(head)
    while (this.told < head.offset) {
      const page = await this.deps.entries(this.topic, this.told)
      if (this.isOver(early)) return
      if (page.epoch !== this.epoch) return this.readMissed(early)
      if (page.entries.length === 0) break
      for (const entry of page.entries) if (entry.offset > this.told) this.pass(entry)
    }
    // Entries that are no longer kept cannot be told; that they are missing can.
    if (this.told < head.offset) this.beginAnew(head)
    this.release()
  }

  private beginAnew({ epoch, offset, oldest }: TopicHead) {
    this.epoch = epoch
    this.told = offset
    this.tell({ type: 'epoch', head: { epoch, offset, oldest } })
  }

  private release() {
    const early = this.early ?? []
    this.early = null
    for (const { epoch, entry, before } of early) {
      // The head is newer than this entry and has another epoch, so the entry's epoch is an older one.
      if (!before || epoch === this.epoch) this.take(epoch, entry)
    }
  }

  private pass(entry: LogEntry) {
    this.told = entry.offset
    this.tell({ type: 'entry', epoch: this.epoch, entry })
  }
}
