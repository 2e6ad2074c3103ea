import type { TopicAnswer } from '../../protocol/frames.js'
import type { Encoded } from './encoded.js'
import { messageFrame } from './message-frame.js'
import type { SharedEntry } from './shared-entry.js'

/** What a leg gives to the readers of its topics. */
export interface ReaderSink {
  /** Sends; only where there is room, or nothing would be left to say when there is. */
  message(frame: Encoded): void
  /** Sends what belongs to no place in the topic. */
  signal?(frame: Encoded): void
  /** So many messages can no longer be sent. */
  missed(count: number): void
  /** Numbering has started over. */
  subscribed(topic: string, answer: TopicAnswer): void
  hasRoom(): boolean
  /** Calls it once there is room; the result is the undo. */
  whenRoom(then: () => void): () => void
  /** That of the leg. */
  session?(): string | undefined
  /** What the user of this leg may see. */
  sees(topic: string, entry: SharedEntry): boolean
}

/**
 * One leg's place in one topic. It is `live` while everything up to the feed's head has been sent to it: then new
 * entries go to it as they come. Else it is behind, and takes from the feed at its own pace.
 */
export class TopicReader {
  readonly sink: ReaderSink
  live = false
  /** Waiting for room or for the log. */
  waiting = false
  /** Ends its wait for room. */
  stopWaiting: (() => void) | null = null
  gone = false
  /** The offset that it gets next. */
  next: number
  /** Milliseconds, monotonic, when it last began to take what waits for it. */
  tookAt = -Infinity
  private readonly topic: string
  /** The last entry that this client may see, or where it began. */
  private seen: number
  /** The last entry that it was told of. */
  private told: number
  /** It was not told yet that it has missed something. */
  private lost = false

  constructor(topic: string, sink: ReaderSink, after: number) {
    this.topic = topic
    this.sink = sink
    this.next = after + 1
    this.seen = this.told = after
  }

  /** Takes the entry, which must be the next one. */
  take(entry: SharedEntry): void {
    this.next = entry.offset + 1
    if (!this.sink.sees(this.topic, entry)) return
    const prev = this.seen
    this.seen = this.told = entry.offset
    this.lost = false
    this.sink.message(entry.frame(prev, this.sink.session?.()))
  }

  /** What is before `offset` can no longer be had: the next message bears a `prev` that says so, if there is one. */
  skipTo(offset: number): void {
    this.sink.missed(offset - this.next)
    this.lost = true
    this.next = offset
    this.seen = this.told = offset - 1
  }

  /** Tells of what the client has not heard of, and no message says: hidden entries, and lost ones that are the last. */
  tellRest(epoch: string): void {
    const offset = this.next - 1
    if (this.hidden()) this.sink.message(messageFrame(this.topic, offset, this.seen))
    else if (this.lost) this.sink.subscribed(this.topic, { epoch, offset, after: offset })
    this.told = offset
    this.lost = false
  }

  hidden(): boolean {
    return this.told < this.next - 1
  }

  /** Begins anew, behind `after`. */
  restart(after: number): void {
    this.next = after + 1
    this.seen = this.told = after
    this.lost = false
  }
}
