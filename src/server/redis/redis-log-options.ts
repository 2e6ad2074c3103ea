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
   * Such as `redis://localhost:6379`, `rediss://user:password@host:6380` or `unix:///run/redis.sock`. Either this,
   * `client`, `cluster` or `sentinel`. A node of a cluster says who has the log's slot, and is followed.
   */
  readonly url?: string
  /**
   * What `createClient` of `redis` made, for whatever a URL cannot say: `redis` 4, 5 or 6. It is copied, never
   * connected, and stays yours. Its `commandOptions` (mapped replies among them), `commandsQueueMaxLength`, `RESP` and
   * whatever else is between a command and its reply do not hold for the copies.
   */
  readonly client?: RedisTemplate
  /**
   * What you would give `createCluster`: several nodes of a cluster, of which some may be down when this node starts.
   */
  readonly cluster?: RedisClusterNodes
  /** What you would give `createSentinel`: sentinels, which say where the master is. */
  readonly sentinel?: RedisSentinels
  /** What the keys begin with, as `{prefix}:`. Servers with the same one share everything. Default `livesocket`. */
  readonly prefix?: string
  /**
   * Whether all that Redis acknowledged is still there when another Redis is the master, or the same one anew. `true`:
   * you vouch for it, and no node is waited for; the epoch goes on unless the node that comes knows of something that
   * is missing. `false`: it may not be, and the epoch ends, so that each client is told of one gap in place of losing
   * something in silence. Default: every node is asked what it last knew of, and the epoch goes on where all of that is
   * there.
   */
  readonly durable?: boolean
  /**
   * What went wrong between this node and Redis; it goes on by itself. Default: a line on `console.error` for each
   * kind, then how often.
   */
  readonly onError?: (error: unknown, doing: string) => void
  /** For tests. Default: the system’s. */
  readonly clock?: Clock
}

/** The options with defaults in place. */
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
