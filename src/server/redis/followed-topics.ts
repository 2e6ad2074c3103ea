import type { Clock } from '../../base/clock.js'
import { encodeName, type Keys } from './keys.js'
import type { RedisConnection } from './redis-connection.js'
import type { Script } from './script.js'

export interface FollowedTopicsDeps {
  readonly connection: RedisConnection
  readonly script: Script
  readonly keys: Keys
  readonly clock: Clock
  topics(): readonly string[]
  onError(error: unknown, doing: string): void
}

/** Milliseconds; in Redis it counts for twice that. */
const EVERY = 60_000
const AT_ONCE = 500

/** Tells Redis repeatedly which topics are followed here, so that they are not forgotten. Returns the undo. */
export function keepFollowedTopics({
  connection,
  script,
  keys,
  clock,
  topics,
  onError,
}: FollowedTopicsDeps): () => void {
  let cancel: () => void = () => undefined

  async function tell() {
    const all = topics()
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const names = all.slice(from, from + AT_ONCE).map(encodeName)
      await connection.run(script, (root) => ({ keys: [keys.root, keys.topics(root)], args: names }))
    }
  }

  function arm() {
    cancel = clock.setTimeout(() => {
      arm()
      if (connection.here)
        tell().catch((error: unknown) => connection.here && onError(error, 'keeping the topics that are followed'))
    }, EVERY)
  }

  arm()
  return () => cancel()
}
