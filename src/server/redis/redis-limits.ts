import { atLeast } from '../invalid.js'
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

/** The limits with defaults in place. Throws `invalid` for one that is no number of its kind. */
export function redisLimits({ history, dedupe, maxTopics }: RedisLimits): TopicScriptLimits {
  return {
    history: {
      maxMessages: atLeast(0, 'history.maxMessages', history?.maxMessages, 1_000),
      maxBytes: atLeast(0, 'history.maxBytes', history?.maxBytes, 1024 * 1024),
      maxAge: atLeast(0, 'history.maxAge', history?.maxAge, 5 * 60_000),
    },
    dedupe: {
      window: atLeast(0, 'dedupe.window', dedupe?.window, 10 * 60_000),
      maxIds: atLeast(1, 'dedupe.maxIds', dedupe?.maxIds, 1_000),
    },
    maxTopics: atLeast(1, 'maxTopics', maxTopics, 100_000),
    feed: FEED,
  }
}
