import type { Position, TopicAnswer, TopicAnswers, TopicRequests } from '../../protocol/frames.js'
import type { Permission } from '../identity/permission.js'
import type { TopicFeeds } from '../topics/topic-feeds.js'
import type { TopicFeed } from '../topics/topic-feed.js'
import type { ReaderSink } from '../topics/topic-reader.js'

export interface Who<User> {
  readonly user: User
  readonly session: string
}

/** What one leg subscribes to. */
export interface LegTopics<User> {
  /** Asks for all that is needed to answer. Rejects where the log cannot be asked. */
  prepare(requests: TopicRequests, who: Who<User>): Promise<PreparedTopics>
  /** Asks again whether each topic is allowed; those that are not any more are left, and told to `refused`. */
  recheck(who: Who<User>, refused: (why: TopicRefusal) => void): Promise<void>
  leave(names: readonly string[]): void
  leaveAll(): void
}

export interface PreparedTopics {
  /**
   * Subscribes: first `refused` for each topic that is not served, then `named` with all that are, then their messages
   * follow. One synchronous step: nothing comes between the answers and what they say.
   */
  join(tell: { refused(why: TopicRefusal): void; named(answers: TopicAnswers): void }): void
  /** Gives back what was prepared and never joined. */
  drop(): void
}

export interface LegTopicsDeps<User> {
  readonly permission: Permission<User>
  readonly feeds: TopicFeeds
  readonly maxTopics: number
  readonly sink: ReaderSink
}

export interface TopicRefusal {
  readonly code: string
  readonly topic: string
  readonly message: string
  readonly retryAfter?: number
}

type Verdict =
  | { readonly feed: TopicFeed; readonly release: () => void; readonly request: Position | null }
  | { readonly error: TopicRefusal }

export function createLegTopics<User>({ permission, feeds, maxTopics, sink }: LegTopicsDeps<User>): LegTopics<User> {
  const joined = new Map<string, () => void>()

  function leave(topic: string) {
    joined.get(topic)?.()
    joined.delete(topic)
  }

  async function refusalOf(topic: string, { user, session }: Who<User>): Promise<TopicRefusal | null> {
    const denial = await permission({ action: 'subscribe', topic, user, session })
    return denial && { ...denial, topic }
  }

  return {
    async prepare(requests, who) {
      const fresh = [...requests.keys()].filter((topic) => !joined.has(topic))
      const over = new Set(fresh.slice(Math.max(0, maxTopics - joined.size)))
      const held: (() => void)[] = []
      const verdictOn = async ([topic, request]: [string, Position | null]): Promise<[string, Verdict]> => {
        if (over.has(topic))
          return [topic, { error: { code: 'forbidden', topic, message: `A leg has at most ${maxTopics} topics.` } }]
        const error = await refusalOf(topic, who)
        if (error) return [topic, { error }]
        if (feeds.full(topic))
          return [
            topic,
            {
              error: {
                code: 'busy',
                topic,
                message: 'The legs of this server read as many topics as limits.maxTopicsRead allows.',
                retryAfter: 5_000,
              },
            },
          ]
        const { feed, release } = feeds.hold(topic)
        held.push(release)
        await feed.prepare(request)
        return [topic, { feed, release, request }]
      }
      const drop = () => held.forEach((release) => release())
      let verdicts: [string, Verdict][]
      try {
        const all = await Promise.allSettled(Array.from(requests, verdictOn))
        verdicts = all.map((verdict) => {
          if (verdict.status === 'rejected') throw verdict.reason
          return verdict.value
        })
      } catch (error) {
        drop()
        throw error
      }
      return {
        join(tell) {
          const answers = new Map<string, TopicAnswer>()
          const starts: (() => void)[] = []
          for (const [topic, verdict] of verdicts) {
            leave(topic)
            if ('error' in verdict) {
              tell.refused(verdict.error)
              continue
            }
            const reading = verdict.feed.join(verdict.request, sink)
            answers.set(topic, reading.answer)
            starts.push(reading.start)
            joined.set(topic, () => {
              reading.leave()
              verdict.release()
            })
          }
          tell.named(answers)
          for (const start of starts) start()
        },
        drop,
      }
    },
    async recheck(who, refused) {
      const recheckOne = async (topic: string) => {
        const why = await refusalOf(topic, who)
        // Only a plain no ends a subscription: one that cannot be told now stays as it was.
        if (why?.code !== 'forbidden' || !joined.has(topic)) return
        leave(topic)
        refused(why)
      }
      await Promise.all([...joined.keys()].map(recheckOne))
    },
    leave: (names) => names.forEach(leave),
    leaveAll() {
      for (const topic of [...joined.keys()]) leave(topic)
    },
  }
}
