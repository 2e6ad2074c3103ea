import type { Clock } from '../../base/clock.js'
import { invalid, shown } from '../../base/invalid.js'
import { redisLimits, type RedisLimits } from './redis-limits.js'
import type { TopicScriptLimits } from './topic-scripts.js'
import {
  redisSource,
  type RedisClusterNodes,
  type RedisSentinels,
  type RedisSource,
  type RedisTemplate,
} from './redis-source.js'

/** Where Redis is, and what is kept there. Durations are milliseconds. */
export interface RedisLogOptions extends RedisLimits {
  /**
   * The URL, such as `redis://localhost:6379`, `rediss://user:password@host:6380` or `unix:///run/redis.sock`. Give one
   * of this, `client`, `cluster` and `sentinel`. The URL may be that of any node of a cluster: it names the node with
   * the log's slot, which is then used.
   */
  readonly url?: string
  /**
   * A client that `createClient` of the package `redis` (4, 5 or 6) made, for options that a URL cannot express. It is
   * copied, never connected, and stays yours. Options that change how commands and replies are handled do not apply to
   * the copies: `commandOptions` (with type mapping), `commandsQueueMaxLength`, `RESP` and similar ones.
   */
  readonly client?: RedisTemplate
  /**
   * The options that `createCluster` takes: several nodes of a cluster, some of which may be down when this node
   * starts.
   */
  readonly cluster?: RedisClusterNodes
  /** The options that `createSentinel` takes: the sentinels, which say where the master is. */
  readonly sentinel?: RedisSentinels
  /**
   * The prefix of all keys, which begin with `{prefix}:`. Servers with the same prefix share everything. Default
   * `livesocket`.
   */
  readonly prefix?: string
  /**
   * Whether everything that Redis acknowledged is still there when another Redis becomes the master, or the same one
   * again. `true`: you vouch for it, and other nodes are not waited for. The epoch continues unless the connecting node
   * knows of something that is missing. `false`: data may be missing, so the epoch ends, and each client is told of one
   * gap instead of losing something unnoticed. Default: every node is asked for the last append that it knew of, and
   * the epoch continues if all of them are there.
   */
  readonly durable?: boolean
  /**
   * Called with errors between this node and Redis; it recovers on its own. Default: a line on `console.error` for each
   * kind of error, and then how often it happened.
   */
  readonly onError?: (error: unknown, doing: string) => void
  /** For tests. Default: the system's clock. */
  readonly clock?: Clock
}

/** The options, checked, with defaults filled in. */
export interface CheckedRedisLogOptions {
  readonly source: RedisSource
  readonly prefix: string
  readonly limits: TopicScriptLimits
}

/** Throws `invalid` for options that make no sense. */
export function checkedRedisLogOptions(options: RedisLogOptions): CheckedRedisLogOptions {
  const { prefix = 'livesocket' } = options
  const source = redisSource(options)
  if (typeof prefix !== 'string' || prefix === '' || /[{}]/.test(prefix))
    throw invalid(`prefix must be a string without braces, not ${shown(prefix)}`)
  return { source, prefix, limits: redisLimits(options) }
}
