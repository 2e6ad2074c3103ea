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
  /** Who published to it first: a session; null is the server itself, undefined nobody. */
  maker: string | null | undefined
}

/**
 * The topics of a memory log and what is kept of them. Who takes up most gives first: of bytes the topic that has most,
 * of topics the session that made most. So nobody pushes out what others keep by publishing much, or into many topics.
 */
export interface KeptTopics {
  /** The topic of that name, new where there is none. */
  get(name: string): KeptTopic
  /** Adds a message, and makes room for it. */
  push(topic: KeptTopic, data: Json, maker: string | null, about?: Json): void
  headOf(topic: KeptTopic): TopicHead
  /** Somebody reads the topic: until the result is called it is not forgotten. */
  read(topic: KeptTopic, listener: (event: TailEvent) => void): () => void
  /** Forgets all, under new epochs; those that are read begin anew. */
  reset(): KeptTopic[]
  all(): Iterable<KeptTopic>
  size(): {
    readonly topics: number
    readonly unread: number
    readonly messages: number
    readonly bytes: number
    readonly evicted: number
  }
}

export interface KeptTopicsLimits {
  readonly history: HistoryLimits
  /** Topics that nobody reads. */
  readonly maxTopics: number
  /** Bytes of all, with `MESSAGE_COST` for each message. */
  readonly maxBytes: number
}

/** What a kept message costs besides its data, bytes. */
export const MESSAGE_COST = 100

/** The unread topics that one maker made, the quietest first. */
interface Share extends Weighed {
  readonly topics: Set<KeptTopic>
}

export function createKeptTopics(limits: KeptTopicsLimits, now: () => number): KeptTopics {
  const topics = new Map<string, KeptTopic>()
  let messages = 0
  let bytes = 0
  let unread = 0
  let evicted = 0
  let heaviest = createHeaviest<KeptTopic>()
  /** Those with messages, the quietest first. */
  const holding = new Set<KeptTopic>()
  const shares = new Map<string | null | undefined, Share>()
  const largest = createHeaviest<Share>()
  // A topic without messages may be forgotten and made again under the same epoch. As soon as one with messages is
  // forgotten, all made later bear another epoch, so that no number is ever used twice under one.
  let root = nanoid()
  let generation = 0

  const newHistory = () =>
    createTopicHistory(limits.history, (change) => {
      bytes += change
      messages += Math.sign(change)
    })
  const costOf = ({ history }: KeptTopic) => history.bytes + MESSAGE_COST * history.size

  function get(name: string): KeptTopic {
    let topic = topics.get(name)
    if (!topic) {
      topic = {
        name,
        epoch: `${root}.${generation}`,
        offset: 0,
        history: newHistory(),
        tails: new Set(),
        maker: undefined,
        drawer: 0,
      }
      topics.set(name, topic)
      offer(topic)
    }
    return topic
  }

  /** It may be forgotten from now on. */
  function offer(topic: KeptTopic) {
    let share = shares.get(topic.maker)
    if (!share) shares.set(topic.maker, (share = { topics: new Set(), drawer: 0 }))
    share.topics.add(topic)
    unread++
    weighShare(topic.maker, share)
    while (unread > limits.maxTopics) evict(topic)
  }

  function keep(topic: KeptTopic) {
    const share = shares.get(topic.maker)
    if (!share?.topics.delete(topic)) return
    unread--
    weighShare(topic.maker, share)
  }

  /** Topics of the server itself, and those without a message, are in nobody's share. */
  function weighShare(maker: string | null | undefined, share: Share) {
    if (typeof maker === 'string') largest.weigh(share, share.topics.size)
    if (share.topics.size === 0) shares.delete(maker)
  }

  /**
   * First one in which nothing is lost, then of the session that made most, then of the server itself; never the newest
   * one, if there is another.
   */
  function evict(newest: KeptTopic) {
    const quietest = (share: Share | undefined) => {
      for (const topic of share?.topics ?? []) if (topic !== newest) return topic
      return undefined
    }
    const topic = quietest(shares.get(undefined)) ?? quietest(largest.top()) ?? quietest(shares.get(null)) ?? newest
    keep(topic)
    topics.delete(topic.name)
    while (topic.history.size > 0) topic.history.dropOldest()
    weigh(topic)
    if (topic.offset === 0) return
    generation++
    evicted++
  }

  function weigh(topic: KeptTopic) {
    heaviest.weigh(topic, costOf(topic))
    if (topic.history.size === 0) holding.delete(topic)
  }

  const cost = () => bytes + MESSAGE_COST * messages

  function makeRoom() {
    while (cost() > limits.maxBytes) {
      // What is too old to be of use goes before anything that is not.
      const [quietest] = holding
      quietest?.history.age(now())
      const topic = quietest?.history.size === 0 ? quietest : heaviest.top()
      if (!topic) return
      topic.history.dropOldest()
      weigh(topic)
    }
  }

  return {
    get,
    push(topic, data, maker, about) {
      const offered = topic.tails.size === 0
      if (offered) keep(topic)
      if (topic.maker === undefined) topic.maker = maker
      topic.history.push(++topic.offset, data, now(), about)
      holding.delete(topic)
      holding.add(topic)
      weigh(topic)
      makeRoom()
      if (offered) offer(topic)
    },
    headOf(topic) {
      topic.history.age(now())
      return { epoch: topic.epoch, offset: topic.offset, oldest: topic.history.oldest ?? topic.offset + 1 }
    },
    read(topic, listener) {
      // Wrapped, so that one function can listen twice.
      const mine = (event: TailEvent) => listener(event)
      if (topic.tails.size === 0) keep(topic)
      topic.tails.add(mine)
      return () => {
        if (topic.tails.delete(mine) && topic.tails.size === 0) offer(topic)
      }
    },
    reset() {
      root = nanoid()
      generation = 0
      messages = bytes = unread = 0
      heaviest = createHeaviest()
      holding.clear()
      for (const share of shares.values()) largest.weigh(share, 0)
      shares.clear()
      const read = [...topics.values()].filter(({ tails }) => tails.size > 0)
      topics.clear()
      for (const topic of read) {
        Object.assign(topic, {
          epoch: `${root}.${generation}`,
          offset: 0,
          history: newHistory(),
          maker: undefined,
          drawer: 0,
        })
        topics.set(topic.name, topic)
      }
      return read
    },
    all: () => topics.values(),
    size: () => ({ topics: topics.size, unread, messages, bytes, evicted }),
  }
}
