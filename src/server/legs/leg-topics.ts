import type { TopicAnswer, TopicAnswers, TopicRequest, TopicRequests } from '../../protocol/frames.js'
import type { Denial, Permission } from '../identity/permission.js'
import type { TopicFeed } from '../topics/topic-feed.js'
import type { TopicFeeds } from '../topics/topic-feeds.js'
import type { ReaderSink, TopicReader } from '../topics/topic-reader.js'

export interface Who<User> {
  readonly user: User
  readonly session: string
}

export interface LegTopicsDeps<User> {
  readonly permission: Permission<User>
  readonly feeds: TopicFeeds
  readonly maxTopics: number
}

export interface TopicRefusal {
  readonly code: string
  readonly topic: string
  readonly message: string
  readonly retryAfter?: number
}

/** Answers that are ready for the topics that were asked for; to be joined, or dropped. */
export interface PreparedTopics {
  readonly verdicts: readonly (readonly [string, Verdict])[]
}

type Verdict = { readonly feed: TopicFeed; readonly request: TopicRequest } | { readonly error: TopicRefusal }

interface Reading {
  readonly feed: TopicFeed
  readonly reader: TopicReader
  /** Whether the leg may signal there; absent if that was not asked yet. */
  signals?: Denial
}

/** What one leg subscribes to. */
export class LegTopics<User> {
  private readonly deps: LegTopicsDeps<User>
  private readonly sink: ReaderSink
  private readonly joined = new Map<string, Reading>()
  /** Counts how often the leg's rights may have changed. */
  private rights = 0

  constructor(deps: LegTopicsDeps<User>, sink: ReaderSink) {
    this.deps = deps
    this.sink = sink
  }

  /** Asks for everything that is needed to answer. Rejects if the log cannot be reached. */
  async prepare(requests: TopicRequests, who: Who<User>): Promise<PreparedTopics> {
    const fresh = [...requests.keys()].filter((topic) => !this.joined.has(topic))
    const over = new Set(fresh.slice(Math.max(0, this.deps.maxTopics - this.joined.size)))
    const asked = await Promise.allSettled(
      Array.from(requests, async ([topic, request]) => {
        const verdict = over.has(topic) ? this.tooMany(topic) : await this.judge(topic, request, who)
        return [topic, verdict] as const
      }),
    )
    const verdicts = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const failed = asked.find((one) => one.status === 'rejected')
    if (!failed) return { verdicts }
    this.drop({ verdicts })
    throw failed.reason
  }

  /**
   * The refusals of topics that are not served; the leg leaves those topics. They are to be sent before the others are
   * joined.
   */
  refuse({ verdicts }: PreparedTopics): TopicRefusal[] {
    const refusals = verdicts.flatMap(([, verdict]) => ('error' in verdict ? [verdict.error] : []))
    for (const { topic } of refusals) this.leave(topic)
    return refusals
  }

  /**
   * Subscribes. First `named` gets all topics that are served, then their messages follow. It is one synchronous step:
   * nothing comes between the answer and what it announces.
   */
  join({ verdicts }: PreparedTopics, named: (answers: TopicAnswers) => void): void {
    const answers = new Map<string, TopicAnswer>()
    const begun: Reading[] = []
    for (const [topic, verdict] of verdicts) {
      if ('error' in verdict) continue
      this.leave(topic)
      const { feed } = verdict
      const { answer, reader } = feed.join(verdict.request, this.sink)
      answers.set(topic, answer)
      const reading = { feed, reader }
      begun.push(reading)
      this.joined.set(topic, reading)
    }
    named(answers)
    for (const { feed, reader } of begun) feed.start(reader)
  }

  /** Releases what was prepared and never joined. */
  drop({ verdicts }: PreparedTopics): void {
    for (const [topic, verdict] of verdicts) if ('feed' in verdict) this.deps.feeds.release(topic, verdict.feed)
  }

  /** Whether the leg may signal to the topic; undefined if that has to be asked. */
  signals(topic: string): Denial | undefined {
    return this.joined.get(topic)?.signals
  }

  async askSignals(topic: string, { user, session }: Who<User>): Promise<Denial> {
    const reading = this.joined.get(topic)
    if (!reading)
      return {
        code: 'not-subscribed',
        message: `Signals need a subscription to the topic, which this leg does not have.`,
      }
    const { rights } = this
    const denial = await this.deps.permission({ action: 'signal', topic, user, session })
    // An answer from before the change does not hold for the rights that the leg has now.
    if (denial?.retryAfter === undefined && rights === this.rights) reading.signals = denial
    return denial
  }

  /** Asks again whether each topic is allowed. Topics that are no longer allowed are left, and passed to `refused`. */
  async recheck(who: Who<User>, refused: (why: TopicRefusal) => void): Promise<void> {
    const recheckOne = async (topic: string) => {
      delete this.joined.get(topic)?.signals
      const why = await this.refusalOf(topic, who)
      // Only a clear refusal ends a subscription; if it cannot be decided now, the subscription stays.
      if (why?.code !== 'forbidden' || !this.joined.has(topic)) return
      this.leave(topic)
      refused(why)
    }
    this.rights++
    await Promise.all([...this.joined.keys()].map(recheckOne))
  }

  leave(topic: string): void {
    const reading = this.joined.get(topic)
    if (!reading) return
    this.joined.delete(topic)
    reading.feed.leave(reading.reader)
    this.deps.feeds.release(topic, reading.feed)
  }

  leaveAll(): void {
    for (const topic of [...this.joined.keys()]) this.leave(topic)
  }

  private async judge(topic: string, request: TopicRequest, who: Who<User>): Promise<Verdict> {
    const { feeds } = this.deps
    const error = await this.refusalOf(topic, who)
    if (error) return { error }
    if (feeds.full(topic))
      return {
        error: {
          code: 'busy',
          topic,
          message: 'The legs of this server read as many topics as limits.maxTopicsRead allows.',
          retryAfter: 5_000,
        },
      }
    const feed = feeds.acquire(topic)
    try {
      await feed.prepare(request)
    } catch (error) {
      feeds.release(topic, feed)
      throw error
    }
    return { feed, request }
  }

  private tooMany(topic: string): Verdict {
    return {
      error: {
        code: 'limit',
        topic,
        message: `A leg may have at most ${this.deps.maxTopics} topics (limits.maxTopics).`,
      },
    }
  }

  private async refusalOf(topic: string, { user, session }: Who<User>): Promise<TopicRefusal | null> {
    const denial = await this.deps.permission({ action: 'subscribe', topic, user, session })
    if (!denial) return null
    const { data: _, ...refusal } = denial
    return { ...refusal, topic }
  }
}
