import { numberOf } from '../bounds.js'
import { logLimits } from '../log/log-limits.js'
import type { DedupeLimits } from '../log/publish-record.js'
import type { HistoryLimits } from '../log/topic-history.js'
import type { TopicScriptLimits } from './topic-scripts.js'

/** What all nodes of a log must be given alike, because it is written into the scripts. */
export interface RedisLimits {
  /** How much of each topic is kept: see `HistoryLimits`. The same on every node. */
  readonly history?: Partial<HistoryLimits>
  /** For how long a publish that arrives again is known: see `DedupeLimits`. The same on every node. */
  readonly dedupe?: Partial<DedupeLimits>
  /**
   * Topics numbered at a time; at the bound the quietest that nobody follows is forgotten, and starts over under a new
   * epoch. More only where more are followed. Default 100,000.
   */
  readonly maxTopics?: number
}

/** What the feed keeps for nodes that were away; beyond, they read the topics. */
const FEED = { messages: 10_000, bytes: 16 * 1024 * 1024 }

/** The limits with defaults in place. Throws `invalid` for what is no number within its bounds. */
export function redisLimits({ history, dedupe, maxTopics }: RedisLimits): TopicScriptLimits {
  return {
    ...logLimits({ history, dedupe }),
    maxTopics: numberOf('redisLog.maxTopics', maxTopics),
    feed: FEED,
  }
}
