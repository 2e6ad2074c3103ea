import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import type { LogEntry, Tail, TailEvent } from '../log/topic-log.js'
import { parseFeedEntry, rootOf } from './feed-entry.js'
import { FeedListener, type FeedHead, type FeedListenerDeps } from './feed-listener.js'
import type { Mark } from './roll-call.js'

export type { FeedHead } from './feed-listener.js'

export interface FeedTailDeps extends Pick<FeedListenerDeps, 'head' | 'entries' | 'here' | 'onError'> {
  readonly clock: Clock
  readonly feed: string
  /** Blocks for at most a second. */
  read(command: readonly string[]): Promise<unknown>
  /** Asks Redis whether the epoch is still the one that this node believes in, and how many appends it has counted. */
  confirmEpoch(): Promise<number>
  /** The feed has reached that append. */
  knows(mark: Mark): void
}

/** Milliseconds that an idle read blocks: short, so that a Redis that was emptied without notice is noticed soon. */
const BLOCK = 1_000
const COUNT = 500
/**
 * Milliseconds between two reads while much comes in. Each read takes all entries that are there, for all topics and
 * legs at once.
 */
const INTERVAL = 10
/** Milliseconds to wait after a failure while Redis is there. */
const RETRY = 500
const READING = 'reading what comes into the topics'

/** Everything that a node listens to, over one blocking read: the appends to topics that have a listener here. */
export class FeedTail {
  private readonly deps: FeedTailDeps
  private readonly forListeners: FeedListenerDeps
  private readonly listeners = new Map<string, Set<FeedListener>>()
  /** How far the feed was read: the id of the entry and its number, which counts without gaps. */
  private place: { readonly id: string; readonly seq: number } | null = null
  /** The count of appends before the read that is under way. */
  private counted: number | null = null
  private reading = false
  private closed = false
  /** How often something unknown may have been missed. */
  private wakes = 0
  private readonly timers = new Set<() => void>()

  constructor(deps: FeedTailDeps) {
    this.deps = deps
    this.forListeners = {
      head: deps.head,
      entries: deps.entries,
      startReading: (head) => this.startReading(head),
      here: () => deps.here() && !this.closed,
      later: (task) => this.later(task),
      onError: deps.onError,
    }
  }

  async start(topic: string, tell: (event: TailEvent) => void): Promise<Tail> {
    const listener = new FeedListener(topic, tell, this.forListeners)
    this.add(listener)
    try {
      const woken = this.wakes
      const head = await this.deps.head(topic)
      if (woken === this.wakes) this.startReading(head)
      listener.begin(head)
      // The answer may predate the wake-up: what it does not contain is read now.
      if (woken !== this.wakes) listener.catchUp()
      const { epoch, offset, oldest } = head
      return { head: { epoch, offset, oldest }, stop: () => this.remove(listener) }
    } catch (error) {
      this.remove(listener)
      throw error
    }
  }

  has(topic: string): boolean {
    return this.listeners.has(topic)
  }

  topics(): readonly string[] {
    return [...this.listeners.keys()]
  }

  /**
   * This node has appended the entry. Listeners that have everything before it are told now, together with the answer
   * to the publisher, and not again when the feed brings it.
   */
  appended(topic: string, epoch: string, entry: LogEntry): void {
    for (const listener of this.listeners.get(topic) ?? []) listener.appended(epoch, entry)
  }

  /** Redis is back, or another epoch holds: listeners catch up on what they missed. */
  wake(): void {
    if (this.closed) return
    this.place = null
    this.behind()
  }

  close(): void {
    this.closed = true
    for (const cancel of this.timers) cancel()
    for (const listener of this.all()) listener.leave()
    this.listeners.clear()
  }

  private all(): FeedListener[] {
    return [...this.listeners.values()].flatMap((listeners) => [...listeners])
  }

  private add(listener: FeedListener) {
    const listeners = this.listeners.get(listener.topic) ?? new Set()
    this.listeners.set(listener.topic, listeners.add(listener))
  }

  private remove(listener: FeedListener) {
    listener.leave()
    const listeners = this.listeners.get(listener.topic)
    if (listeners?.delete(listener) && listeners.size === 0) this.listeners.delete(listener.topic)
  }

  private startReading(head: FeedHead) {
    this.place ??= { id: head.at, seq: head.seq }
    void this.loop()
  }

  private async loop() {
    if (this.reading || this.closed) return
    this.reading = true
    this.counted = null
    try {
      while (!this.closed && this.listeners.size > 0 && this.place && this.deps.here()) await this.readOn(this.place)
      // Nobody listens, so the next listener determines anew where to begin.
      if (this.listeners.size === 0) this.place = null
    } catch (error) {
      // If Redis is gone, `wake` is called when it is back.
      if (this.deps.here() && !this.closed) {
        this.deps.onError(error, READING)
        this.later(() => void this.loop())
      }
    } finally {
      this.reading = false
    }
  }

  private async readOn(from: NonNullable<FeedTail['place']>) {
    const { clock, feed, read, confirmEpoch } = this.deps
    const readAt = clock.monotonic()
    const command = ['XREAD', 'COUNT', `${COUNT}`, 'BLOCK', `${BLOCK}`, 'STREAMS', feed, from.id]
    const reply = (await read(command)) as [string, unknown[]][] | null
    if (this.closed) return
    // The read continues elsewhere meanwhile.
    if (this.place !== from) this.counted = null
    else if (reply) {
      this.counted = null
      for (const entry of reply[0]![1]) this.hear(entry)
      await this.pause(INTERVAL - (clock.monotonic() - readAt))
    } else if (this.counted !== null && this.counted !== from.seq) {
      // There were appends that the feed does not contain: somebody deleted it, or it has gone back.
      this.counted = null
      this.place = null
      this.behind()
    } else this.counted = await confirmEpoch()
  }

  private pause(ms: number): Promise<void> | undefined {
    return ms > 0 ? new Promise((resolve) => this.later(resolve, ms)) : undefined
  }

  /** Something unknown may have been missed. */
  private behind() {
    this.wakes++
    for (const listener of this.all()) listener.behind()
  }

  private hear(raw: unknown) {
    const heard = parseFeedEntry(raw)
    if (!heard) return this.passOver(raw)
    const before = this.place
    this.place = { id: heard.id, seq: heard.kind === 'entry' ? heard.seq : (before?.seq ?? 0) }
    if (heard.kind === 'epoch') return void this.deps.confirmEpoch().catch(() => undefined)
    this.deps.knows({ epoch: rootOf(heard.epoch), seq: heard.seq, last: `${heard.id}:${heard.stamp}` })
    // The feed was trimmed while this node was away, or Redis lost part of it. The topics themselves have more.
    if (before && heard.seq !== before.seq + 1) this.behind()
    for (const listener of this.listeners.get(heard.topic) ?? []) listener.take(heard.epoch, heard.entry)
  }

  private passOver(raw: unknown) {
    const [id] = raw as unknown[]
    if (this.place && typeof id === 'string') this.place = { ...this.place, id }
    const what = 'An entry of the feed is not what this library wrote; it was skipped'
    this.deps.onError(new LiveSocketError('invalid', what), READING)
  }

  private later(task: () => void, delay = RETRY) {
    const cancel = this.deps.clock.setTimeout(() => {
      this.timers.delete(cancel)
      if (!this.closed) task()
    }, delay)
    this.timers.add(cancel)
  }
}
