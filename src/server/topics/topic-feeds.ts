import { createTopicFeed, type FeedDeps, type TopicFeed } from './topic-feed.js'

/** The feeds of one server: each topic that somebody reads, or is about to, is heard once. */
export interface TopicFeeds {
  /** The feed lives at least until `release`. */
  hold(topic: string): { readonly feed: TopicFeed; release(): void }
  /** Whether one more topic, that one, would be too many. */
  full(topic: string): boolean
  /** See the feed of that name; false where nobody reads it here. */
  crowded(topic: string): boolean
  readonly size: number
  close(): void
}

export function createTopicFeeds({ max, ...deps }: FeedDeps & { readonly max: number }): TopicFeeds {
  const feeds = new Map<string, { readonly feed: TopicFeed; holds: number }>()
  return {
    hold(topic) {
      const entry = feeds.get(topic) ?? { feed: createTopicFeed(topic, deps), holds: 0 }
      feeds.set(topic, entry)
      entry.holds++
      let held = true
      return {
        feed: entry.feed,
        release() {
          if (!held) return
          held = false
          if (--entry.holds > 0) return
          feeds.delete(topic)
          entry.feed.close()
        },
      }
    },
    full: (topic) => feeds.size >= max && !feeds.has(topic),
    crowded: (topic) => feeds.get(topic)?.feed.crowded() ?? false,
    get size() {
      return feeds.size
    },
    close() {
      for (const { feed } of feeds.values()) feed.close()
      feeds.clear()
    },
  }
}
