import { nanoid } from 'nanoid'
import { createHeaviest, type Weighed } from './heaviest.js'
import { createTopicHistory, type HistoryLimits, type TopicHistory } from './topic-history.js'
import type { Json, TailEvent, TopicHead } from './topic-log.js'

/** One topic of the memory log. */
export interface KeptTopic extends Weighed {
  readonly name: string
  epoch: string
  offset: number
  history: TopicHistory
  readonly tails: Set<(event: TailEvent) => void>
  /** Who published to it first: a session; null for the server itself; undefined before the first publish. */
  maker: string | null | undefined
}

export interface KeptTopicsLimits {
  readonly history: HistoryLimits
  /** The most topics that nobody reads. */
  readonly maxTopics: number
  /** The most bytes of all topics, including `MESSAGE_COST` for each message. */
  readonly maxBytes: number
}

/** What a kept message costs besides its data, in bytes. */
export const MESSAGE_COST = 100

/** The unread topics that one maker created, the longest quiet first. */
interface Share extends Weighed {
  readonly topics: Set<KeptTopic>
}

/**
 * The topics of a memory log and what is kept of them. Whatever takes the most room gives way first: for bytes, the
 * topic that has the most; for topics, the session that created the most. So nobody displaces what others keep by
 * publishing much, or into many topics.
 */
export class KeptTopics {
  private readonly limits: KeptTopicsLimits
  private readonly now: () => number
  private readonly topics = new Map<string, KeptTopic>()
  private messages = 0
  private bytes = 0
  private unread = 0
  private evicted = 0
  private heaviest = createHeaviest<KeptTopic>()
  /** The topics with messages, the longest quiet first. */
  private readonly holding = new Set<KeptTopic>()
  private readonly shares = new Map<string | null | undefined, Share>()
  private readonly largest = createHeaviest<Share>()
  // A topic without messages may be forgotten and created again under the same epoch. Once a topic with messages is
  // forgotten, all topics created later have another epoch, so that no offset is ever used twice under one epoch.
  private root = nanoid()
  private generation = 0

  constructor(limits: KeptTopicsLimits, now: () => number) {
    this.limits = limits
    this.now = now
  }

  /** The topic with that name, created if need be. */
  get(name: string): KeptTopic {
    const known = this.topics.get(name)
    if (known) return known
    const topic: KeptTopic = { name, tails: new Set(), ...this.blank() }
    this.topics.set(name, topic)
    this.offer(topic)
    return topic
  }

  /** Adds a message, and makes room for it. */
  push(topic: KeptTopic, data: Json, maker: string | null, about?: Json): void {
    const offered = topic.tails.size === 0
    if (offered) this.keep(topic)
    if (topic.maker === undefined) topic.maker = maker
    topic.history.push(++topic.offset, data, this.now(), about)
    this.holding.delete(topic)
    this.holding.add(topic)
    this.weigh(topic)
    this.makeRoom()
    if (offered) this.offer(topic)
  }

  headOf(topic: KeptTopic): TopicHead {
    topic.history.age(this.now())
    return { epoch: topic.epoch, offset: topic.offset, oldest: topic.history.oldest ?? topic.offset + 1 }
  }

  /** The topic is read: it is not forgotten until the result is called. */
  read(topic: KeptTopic, listener: (event: TailEvent) => void): () => void {
    // Wrapped, so that one function can listen twice.
    const mine = (event: TailEvent) => listener(event)
    if (topic.tails.size === 0) this.keep(topic)
    topic.tails.add(mine)
    return () => {
      if (topic.tails.delete(mine) && topic.tails.size === 0) this.offer(topic)
    }
  }

  /** Forgets everything, under new epochs. Topics that are read start over. */
  reset(): KeptTopic[] {
    this.root = nanoid()
    this.generation = 0
    this.messages = this.bytes = this.unread = 0
    this.heaviest = createHeaviest()
    this.holding.clear()
    for (const share of this.shares.values()) this.largest.weigh(share, 0)
    this.shares.clear()
    const read = [...this.topics.values()].filter(({ tails }) => tails.size > 0)
    this.topics.clear()
    for (const topic of read) this.topics.set(topic.name, Object.assign(topic, this.blank()))
    return read
  }

  all(): Iterable<KeptTopic> {
    return this.topics.values()
  }

  size() {
    const { topics, unread, messages, bytes, evicted } = this
    return { topics: topics.size, unread, messages, bytes, evicted }
  }

  private blank(): Omit<KeptTopic, 'name' | 'tails'> {
    const history = createTopicHistory(this.limits.history, (change) => {
      this.bytes += change
      this.messages += Math.sign(change)
    })
    return { epoch: `${this.root}.${this.generation}`, offset: 0, history, maker: undefined, drawer: 0 }
  }

  /** From now on it may be forgotten. */
  private offer(topic: KeptTopic) {
    let share = this.shares.get(topic.maker)
    if (!share) this.shares.set(topic.maker, (share = { topics: new Set(), drawer: 0 }))
    share.topics.add(topic)
    this.unread++
    this.weighShare(topic.maker, share)
    while (this.unread > this.limits.maxTopics) this.evict(topic)
  }

  private keep(topic: KeptTopic) {
    const share = this.shares.get(topic.maker)
    if (!share?.topics.delete(topic)) return
    this.unread--
    this.weighShare(topic.maker, share)
  }

  /** Topics of the server itself, and those without a message, count against no session. */
  private weighShare(maker: string | null | undefined, share: Share) {
    if (typeof maker === 'string') this.largest.weigh(share, share.topics.size)
    if (share.topics.size === 0) this.shares.delete(maker)
  }

  /**
   * Forgets a topic: first one without messages, then one of the session that created the most, then one of the server
   * itself; never the newest one, if there is another.
   */
  private evict(newest: KeptTopic) {
    const { shares, largest } = this
    const quietest = (share: Share | undefined) => {
      for (const topic of share?.topics ?? []) if (topic !== newest) return topic
      return undefined
    }
    const topic = quietest(shares.get(undefined)) ?? quietest(largest.top()) ?? quietest(shares.get(null)) ?? newest
    this.keep(topic)
    this.topics.delete(topic.name)
    while (topic.history.size > 0) topic.history.dropOldest()
    this.weigh(topic)
    if (topic.offset === 0) return
    this.generation++
    this.evicted++
  }

  private weigh(topic: KeptTopic) {
    const { history } = topic
    this.heaviest.weigh(topic, history.bytes + MESSAGE_COST * history.size)
    if (history.size === 0) this.holding.delete(topic)
  }

  private makeRoom() {
    while (this.bytes + MESSAGE_COST * this.messages > this.limits.maxBytes) {
      // Expired messages go before any that are not.
      const [quietest] = this.holding
      quietest?.history.age(this.now())
      const topic = quietest?.history.size === 0 ? quietest : this.heaviest.top()
      if (!topic) return
      topic.history.dropOldest()
      this.weigh(topic)
    }
  }
}
