import { TopicFeed, type FeedDeps } from './topic-feed.js'

/** The feeds of one server. Each topic that is read, or about to be, is tailed once. */
export interface TopicFeeds {
  /** The feed lives until it was released as often as it was acquired. */
  acquire(topic: string): TopicFeed
  release(topic: string, feed: TopicFeed): void
  /** Undefined: nobody reads the topic here. */
  of(topic: string): TopicFeed | undefined
  /** Whether that topic would be one too many. */
  full(topic: string): boolean
  /** See `TopicFeed.behind`. */
  behind(topic: string): ReturnType<TopicFeed['behind']>
  readonly size: number
  close(): void
}

export function createTopicFeeds({ max, ...deps }: FeedDeps & { readonly max: number }): TopicFeeds {
  const feeds = new Map<string, { readonly feed: TopicFeed; holds: number }>()
  return {
    acquire(topic) {
      const entry = feeds.get(topic) ?? { feed: new TopicFeed(topic, deps), holds: 0 }
      feeds.set(topic, entry)
      entry.holds++
      return entry.feed
    },
    of: (topic) => feeds.get(topic)?.feed,
    release(topic, feed) {
      const entry = feeds.get(topic)
      if (entry?.feed !== feed || --entry.holds > 0) return
      feeds.delete(topic)
      feed.close()
    },
    full: (topic) => feeds.size >= max && !feeds.has(topic),
    behind: (topic) => feeds.get(topic)?.feed.behind() ?? 'nobody',
    get size() {
      return feeds.size
    },
    close() {
      for (const { feed } of feeds.values()) feed.close()
      feeds.clear()
    },
  }
}
