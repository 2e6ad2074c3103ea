import type { Clock } from '../../base/clock.js'
import type { FeedHead } from './feed-listener.js'
import { encodeName, type Keys } from './keys.js'
import type { RedisConnection } from './redis-connection.js'
import type { Script } from './script.js'
import type { Sleep } from './sleep.js'

/** Where topics stand in Redis now. */
export interface TopicHeads {
  now(topic: string): Promise<FeedHead>
  /** Whoever asks while the last answer is young waits a little, with all others who do. */
  soon(topic: string): Promise<FeedHead>
  /** Nobody listens to it any more. */
  forget(topic: string): void
}

export interface TopicHeadsDeps {
  readonly connection: RedisConnection
  readonly script: Script
  readonly keys: Keys
  readonly clock: Clock
  readonly sleep: Sleep
  /** Whether somebody here listens to the topic: then it stays as it is numbered, whatever else is forgotten. */
  follows(topic: string): boolean
  asked(): void
}

/** A topic that is listened to here is asked for its head no more often than this. */
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
  /** Being waited for, and when the last was asked for. */
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
    // From here on the answer may be older than the question: whoever comes now asks anew.
    waiting.delete(topic)
    // Whoever listened may have gone while it was waited: then nobody would forget it.
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
      // Without a wait it is asked already.
      if (wait > 0) waiting.set(topic, asking)
      return asking
    },
    forget: (topic) => void askedAt.delete(topic),
  }
}
