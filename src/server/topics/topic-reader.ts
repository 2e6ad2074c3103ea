import type { TopicAnswer } from '../../protocol/frames.js'
import { messageFrame, type Encoded } from './message-frame.js'
import type { SharedEntry } from './recent-entries.js'

/** What a leg gives to the readers of its topics. */
export interface ReaderSink {
  /** Sends; only where there is room, or nothing would be left to say when there is. */
  message(frame: Encoded): void
  /** So many messages can no longer be sent. */
  missed(count: number): void
  /** Numbering has started over. */
  subscribed(topic: string, answer: TopicAnswer): void
  hasRoom(): boolean
  whenRoom(then: () => void): void
  /** What the user of this leg may see; absent: everything. */
  sees?(topic: string, entry: SharedEntry): boolean
}

/**
 * One leg's place in one topic. It is `live` while everything up to the feed's head has been sent to it: then new
 * entries go to it as they come. Else it is behind, and takes from the feed at its own pace.
 */
export interface TopicReader {
  readonly sink: ReaderSink
  /** The offset that it gets next. */
  next(): number
  live: boolean
  /** Waiting for room or for the log. */
  waiting: boolean
  /** Milliseconds, monotonic, when it last began to take what waits for it. */
  tookAt: number
  gone: boolean
  /** Takes the entry, which must be the next one. */
  take(entry: SharedEntry): void
  /** What is before `offset` can no longer be had: the next message bears a `prev` that says so. */
  skipTo(offset: number): void
  /** Tells of hidden entries that the client has not heard of. */
  tellHidden(): void
  hidden(): boolean
  /** Begins anew, behind `after`. */
  restart(after: number): void
}

export function createTopicReader(topic: string, sink: ReaderSink, after: number): TopicReader {
  let next = after + 1
  /** The last entry that this client may see, or where it began. */
  let seen = after
  /** The last entry that it was told of. */
  let told = after
  return {
    sink,
    live: false,
    waiting: false,
    tookAt: -Infinity,
    gone: false,
    next: () => next,
    take(entry) {
      next = entry.offset + 1
      if (sink.sees && !sink.sees(topic, entry)) return
      const prev = seen
      seen = told = entry.offset
      sink.message(entry.frame(prev))
    },
    skipTo(offset) {
      sink.missed(offset - next)
      next = offset
      seen = told = offset - 1
    },
    tellHidden() {
      if (told === next - 1) return
      told = next - 1
      sink.message(messageFrame(topic, told, seen))
    },
    hidden: () => told < next - 1,
    restart(from) {
      next = from + 1
      seen = told = from
    },
  }
}
