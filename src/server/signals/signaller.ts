import { nanoid } from 'nanoid'
import { LiveSocketError } from '../../base/errors.js'
import { MAX_TOPIC } from '../../protocol/fields.js'
import { serialise } from '../../protocol/json.js'
import { textOf } from '../bounds.js'
import type { NewsChannel, SignalNews } from '../log/news.js'
import { signalFrame } from '../topics/message-frame.js'
import type { TopicFeeds } from '../topics/topic-feeds.js'

/** Delivers signals to the legs that have their topic subscribed, on all servers of the log. */
export interface Signaller<User> {
  /** Sends a signal of a client that is allowed to. The client's own legs do not get it. */
  relay(topic: string, data: unknown, who: { readonly session: string; readonly user: User }): void
  /** Sends a signal of the server itself. Throws `invalid` or `too-large`. */
  signal(topic: string, data: unknown): void
  /** Delivers a signal that another server sent. */
  heard(news: SignalNews): void
}

export interface SignallerDeps<User> {
  readonly feeds: TopicFeeds
  /** Absent: there are no other servers. */
  readonly news: Pick<NewsChannel, 'tell'> | undefined
  /** The `by` that receivers are told. */
  readonly by: (user: User) => unknown
  readonly maxFrame: number
  sent(): void
  onError(error: unknown, doing: string): void
}

export function createSignaller<User>({
  feeds,
  news,
  by,
  maxFrame,
  sent,
  onError,
}: SignallerDeps<User>): Signaller<User> {
  const mark = nanoid(8)
  let count = 0

  function say(topic: string, data: string, session?: string, teller?: unknown) {
    sent()
    const told = {
      type: 'signal',
      id: `${mark}.${++count}`,
      topic,
      data,
      ...(session === undefined ? undefined : { session }),
      ...(teller === undefined ? undefined : { by: teller }),
    } as const
    heard(told)
    news?.tell(told).catch((error: unknown) => {
      // A log that is away reports that itself, and a signal is not worth waiting for it.
      if (!(error instanceof LiveSocketError && error.code === 'refused'))
        onError(error, 'telling other servers of a signal')
    })
  }

  function heard({ id, topic, data, session, by: teller }: SignalNews) {
    const feed = feeds.of(topic)
    if (feed) feed.signal(signalFrame(id, topic, data, teller), session)
  }

  return {
    relay: (topic, data, { session, user }) => say(topic, JSON.stringify(data), session, by(user)),
    signal(topic, data) {
      textOf('A topic', topic, MAX_TOPIC, 1)
      const text = serialise(data)
      if ('invalid' in text)
        throw new LiveSocketError('invalid', `The signal cannot be sent: ${text.invalid}`, { topic, cause: text.cause })
      if (Buffer.byteLength(text.json) > maxFrame)
        throw new LiveSocketError('too-large', `The signal has more than limits.maxFrame, ${maxFrame} bytes`, { topic })
      say(topic, text.json)
    },
    heard,
  }
}
