import type { Clock } from '../../base/clock.js'
import type { FeedHead } from './feed-listener.js'
import { encodeName, type Keys } from './keys.js'
import type { RedisConnection } from './redis-connection.js'
import type { Script } from './script.js'
import type { Sleep } from './sleep.js'

/** The present heads of topics in Redis. */
export interface TopicHeads {
  now(topic: string): Promise<FeedHead>
  /** If the last answer is recent, the caller waits a little, together with all others that ask meanwhile. */
  soon(topic: string): Promise<FeedHead>
  /** Nobody listens to it any longer. */
  forget(topic: string): void
}

export interface TopicHeadsDeps {
  readonly connection: RedisConnection
  readonly script: Script
  readonly keys: Keys
  readonly clock: Clock
  readonly sleep: Sleep
  /** Whether somebody here listens to the topic: then its numbering stays, whatever else is forgotten. */
  follows(topic: string): boolean
  asked(): void
}

/** Milliseconds: the head of a topic with listeners here is asked for no more often than this. */
const INTERVAL = 100

export function createTopicHeads({
  connection,
  script,
  keys,
  clock,
  sleep,
  follows,
  asked,
}: TopicHeadsDeps): TopicHeads {
  /** Answers being waited for, and when each topic was last asked for. */
  const waiting = new Map<string, Promise<FeedHead>>()
  const askedAt = new Map<string, number>()

  async function now(topic: string): Promise<FeedHead> {
    asked()
    let under = ''
    const [, epoch, offset, oldest, seq, at, last] = await connection.run(script, (root) => ({
      keys: [keys.root, keys.feed, keys.topic((under = root), topic), keys.topics(root)],
      args: [encodeName(topic), follows(topic) ? '1' : ''],
    }))
    connection.knows({ epoch: under, seq: Number(seq), last: String(last) })
    return { epoch: String(epoch), offset: Number(offset), oldest: Number(oldest), seq: Number(seq), at: String(at) }
  }

  async function askAfter(topic: string, wait: number) {
    if (wait > 0) await sleep(wait)
    // From here on the answer may be older than a new caller's question: new callers ask again.
    waiting.delete(topic)
    // The listener may have gone during the wait: then nobody would remove this entry.
    if (follows(topic)) askedAt.set(topic, clock.monotonic())
    return now(topic)
  }

  return {
    now,
    soon(topic) {
      const one = waiting.get(topic)
      if (one) return one
      const wait = (askedAt.get(topic) ?? -Infinity) + INTERVAL - clock.monotonic()
      const asking = askAfter(topic, wait)
      // Without a wait it has been asked already.
      if (wait > 0) waiting.set(topic, asking)
      return asking
    },
    forget: (topic) => void askedAt.delete(topic),
  }
}
