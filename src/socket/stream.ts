import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import { count, readOptions } from '../options/option-table.js'
import { estimateBytes } from '../topics/holding.js'
import type { Subscriptions, TopicStatus } from '../topics/subscriptions.js'
import type { Message, MessageInfo } from '../topics/message.js'
import type { LiveSocketState, ReadableStore } from './store.js'
import { abortSignal } from './topic-arguments.js'

/** How much a stream buffers for a reader that is slower than its topic. */
export interface StreamOptions {
  /** Aborting it ends the iteration as `return()` does: without an error, and unread messages are dropped. */
  readonly signal?: AbortSignal
  /** How many messages may wait for the reader. Default 1,024. */
  readonly limit?: number
  /**
   * How many bytes the waiting messages may have together, estimated. A single message may always wait. Default
   * 1,048,576.
   */
  readonly maxBytes?: number
}

/** What a stream needs of its live socket. */
export interface StreamSource {
  readonly subscriptions: Pick<Subscriptions, 'add' | 'status'>
  readonly store: ReadableStore<LiveSocketState>
}

/** Both bounds may be as high as the application wants. */
const OPTIONS = {
  signal: abortSignal,
  limit: count(1_024, Number.MAX_SAFE_INTEGER),
  maxBytes: count(1_048_576, Number.MAX_SAFE_INTEGER),
}

type Next = IteratorResult<Message>

/**
 * The messages of a topic, to be read with `for await`. The topic is subscribed from this call on, not from the first
 * `next()`, and messages wait until they are read. Unless the reader itself ends the stream, the reason is thrown after
 * everything that waited has been read:
 *
 * - `overflow`: more waited than `limit` or `maxBytes` allow. Later messages are not in the stream.
 * - `closed`: the live socket was closed, for whatever reason. If it is closed at the time of this call the stream ends
 *   at once; if it is idle the stream waits.
 * - `forbidden` or `refused`: the server does not give the topic.
 *
 * `break`, `return()` and the signal end the stream without an error. After any end the topic is unsubscribed, and
 * every `next()` returns `done`.
 */
export function createStream(
  source: StreamSource,
  topic: string,
  options: StreamOptions = {},
): AsyncIterableIterator<Message> {
  const { signal, limit, maxBytes } = readOptions(OPTIONS, options, 'stream')
  const waiting: { readonly message: Message; readonly bytes: number }[] = []
  const readers: ((next: Next | Promise<Next>) => void)[] = []
  let bytes = 0
  let ended = false
  /** Why the stream ended, until a reader has received it. */
  let error: LiveSocketError | null = null
  const undo: (() => void)[] = []

  function end(why: LiveSocketError | null) {
    if (ended) return
    ended = true
    error = why
    release()
    if (!why) waiting.length = 0
    // Readers wait only while no message does.
    for (const reader of readers.splice(0)) reader(last())
  }

  function release() {
    for (const task of undo.splice(0)) task()
  }

  /** The next `next()` receives the reason for the end; all later ones receive `done`. */
  function last(): Promise<Next> {
    const why = error
    error = null
    return why ? Promise.reject(why) : Promise.resolve({ done: true, value: undefined })
  }

  // Read through a function, because a call may have changed it.
  function isOver() {
    return ended
  }

  function received(data: unknown, info: MessageInfo) {
    if (ended) return
    const message = { data, ...info }
    const reader = readers.shift()
    if (reader) return reader({ done: false, value: message })
    const size = estimateBytes(data)
    if (waiting.length >= limit || (waiting.length > 0 && bytes + size > maxBytes)) {
      const bound = waiting.length >= limit ? `${limit} messages (limit)` : `${maxBytes} bytes (maxBytes)`
      return end(
        new LiveSocketError(
          'overflow',
          explain`The reader of "${topic}" was too slow: more than ${bound} were waiting. The stream ends before offset ${info.offset}; read faster, raise the bound, or use fold().`,
          { topic },
        ),
      )
    }
    waiting.push({ message, bytes: size })
    bytes += size
  }

  function closed({ status, closed }: LiveSocketState) {
    if (status === 'closed')
      end(
        new LiveSocketError(
          'closed',
          explain`The live socket is closed (${closed?.by ?? 'app'}), which ended the stream of "${topic}". Make a new stream after the next connect().`,
          { topic },
        ),
      )
  }

  const abort = () => end(null)
  if (signal?.aborted) abort()
  else closed(source.store.getState())
  if (!isOver()) {
    signal?.addEventListener('abort', abort, { once: true })
    undo.push(() => signal?.removeEventListener('abort', abort), source.store.subscribe(closed))
    const watch = (status: TopicStatus | undefined) => {
      // A refusal with a `retryAfter` is temporary: the topic is requested again.
      if (typeof status === 'object' && status.retryAfter === undefined) end(status)
    }
    undo.push(source.subscriptions.add(topic, received, watch))
    // Subscribing may have ended the stream: a session that is already over is noticed only then.
    if (isOver()) release()
    // A topic that was refused to an earlier subscriber is not requested again, so `watch` would not be called.
    watch(source.subscriptions.status(topic))
  }

  return {
    next() {
      const first = waiting.shift()
      if (first) {
        bytes -= first.bytes
        return Promise.resolve({ done: false, value: first.message })
      }
      return ended ? last() : new Promise((resolve) => void readers.push(resolve))
    },
    return(value?: unknown) {
      end(null)
      // The stream may have ended with an error that nobody has read; nobody wants it any more.
      waiting.length = 0
      error = null
      return Promise.resolve({ done: true, value })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
