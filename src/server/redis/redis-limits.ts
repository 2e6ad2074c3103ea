import { numberOf } from '../bounds.js'
import { logLimits } from '../log/log-limits.js'
import type { DedupeLimits } from '../log/publish-record.js'
import type { HistoryLimits } from '../log/topic-history.js'
import type { TopicScriptLimits } from './topic-scripts.js'

/** Limits that all nodes of a log must share, because they are written into the scripts. */
export interface RedisLimits {
  /** How much of each topic is kept: see `HistoryLimits`. The same on every node. */
  readonly history?: Partial<HistoryLimits>
  /** For how long a repeated publish is recognised: see `DedupeLimits`. The same on every node. */
  readonly dedupe?: Partial<DedupeLimits>
  /**
   * The most topics at a time. At the bound the longest quiet one that nobody follows is forgotten, and starts over
   * under a new epoch. There are more only if more are followed. Default 100,000.
   */
  readonly maxTopics?: number
}

/** What the feed keeps for nodes that were away. Nodes that missed more read the topics. */
const FEED = { messages: 10_000, bytes: 16 * 1024 * 1024 }

/** The limits with defaults filled in. Throws `invalid` for a value that is not a number within its bounds. */
export function redisLimits({ history, dedupe, maxTopics }: RedisLimits): TopicScriptLimits {
  return {
    ...logLimits({ history, dedupe }),
    maxTopics: numberOf('redisLog.maxTopics', maxTopics),
    feed: FEED,
  }
}
