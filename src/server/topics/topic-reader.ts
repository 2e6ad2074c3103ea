import type { TopicAnswer } from '../../protocol/frames.js'
import type { Encoded } from './encoded.js'
import { messageFrame } from './message-frame.js'
import type { SharedEntry } from './shared-entry.js'

/** What a leg provides for the readers of its topics. */
export interface ReaderSink {
  /** Sends a message. Called only if there is room, or if nothing would be left to send once there is. */
  message(frame: Encoded): void
  /** Sends a frame that has no place in the topic's order. */
  signal?(frame: Encoded): void
  /** That many messages can no longer be sent. */
  missed(count: number): void
  /** Numbering has started over, or messages were missed. */
  subscribed(topic: string, answer: TopicAnswer): void
  hasRoom(): boolean
  /** Calls it once there is room; the result cancels that. */
  whenRoom(then: () => void): () => void
  /** The session of the leg. */
  session?(): string | undefined
  /** Whether the user of this leg may see the entry. */
  sees(topic: string, entry: SharedEntry): boolean
}

/**
 * One leg's place in one topic. It is `live` while everything up to the feed's head has been sent to it; new entries
 * then go to it as they come. Otherwise it is behind, and takes entries from the feed at its own pace.
 */
export class TopicReader {
  readonly sink: ReaderSink
  live = false
  /** Waiting for room or for the log. */
  waiting = false
  /** Cancels its wait for room. */
  stopWaiting: (() => void) | null = null
  gone = false
  /** The offset that it gets next. */
  next: number
  /** When it last began to take what waits for it, in monotonic milliseconds. */
  tookAt = -Infinity
  private readonly topic: string
  /** The offset of the last entry that this client may see, or where it began. */
  private seen: number
  /** The offset up to which the client was told. */
  private told: number
  /** The client was not told yet that it has missed something. */
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

  /** Entries before `offset` are lost. The next message shows it by its `prev`, if there is a next one. */
  skipTo(offset: number): void {
    this.sink.missed(offset - this.next)
    this.lost = true
    this.next = offset
    this.seen = this.told = offset - 1
  }

  /** Tells the client what no message tells: hidden entries, and lost ones at the end. */
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

  /** Starts over after `after`. */
  restart(after: number): void {
    this.next = after + 1
    this.seen = this.told = after
    this.lost = false
  }
}
