import { nanoid } from 'nanoid'
import { systemClock, type Clock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { atLeast } from './options.js'
import { createPublishRecord, keyOf, type DedupeLimits } from './publish-record.js'
import { createSessionRegister } from './session-register.js'
import { createTopicHistory, type HistoryLimits, type TopicHistory } from './topic-history.js'
import type { Origin, TailEvent, TopicHead, TopicLog } from './topic-log.js'

export interface MemoryLogOptions {
  /** How much of each topic is kept for those who come back: see `HistoryLimits`. */
  readonly history?: Partial<HistoryLimits>
  /** For how long a publish that arrives again is known: see `DedupeLimits`. */
  readonly dedupe?: Partial<DedupeLimits>
  /** Topics numbered at a time. At the bound the one that was quiet longest, and that nobody reads, makes room. Default 10,000. */
  readonly maxTopics?: number
  /** Bytes of data kept of all topics together; at the bound the oldest message of all goes. Default 256 MiB. */
  readonly maxBytes?: number
  readonly clock?: Clock
}

export interface MemoryLog extends TopicLog {
  /**
   * Loses its data, as a crash would: every topic starts over under a new epoch, and no publish is
   * remembered. Sessions are: they are as alive as before.
   */
  forget(): void
  /** What it holds. */
  size(): { readonly topics: number; readonly messages: number; readonly bytes: number; readonly ids: number; readonly sessions: number }
}

interface Topic {
  epoch: string
  offset: number
  history: TopicHistory
  readonly tails: Set<(event: TailEvent) => void>
}

/** How long a session without legs is remembered, and how many. */
const IDLE_SESSIONS = { idle: 10 * 60_000, maxIdle: 100_000 }

/**
 * A topic log in the memory of this process. Any number of servers in the process may share it; it ends with the process, and
 * what was in it with it. Throws `invalid` for a limit that is no number of its kind.
 */
export function memoryLog(options: MemoryLogOptions = {}): MemoryLog {
  const clock = options.clock ?? systemClock
  const limits: HistoryLimits = {
    maxMessages: atLeast(0, 'history.maxMessages', options.history?.maxMessages, 1_000),
    maxBytes: atLeast(0, 'history.maxBytes', options.history?.maxBytes, 1024 * 1024),
    maxAge: atLeast(0, 'history.maxAge', options.history?.maxAge, 5 * 60_000),
  }
  const dedupe: DedupeLimits = {
    window: atLeast(0, 'dedupe.window', options.dedupe?.window, 10 * 60_000),
    maxIds: atLeast(1, 'dedupe.maxIds', options.dedupe?.maxIds, 100_000),
  }
  const maxTopics = atLeast(1, 'maxTopics', options.maxTopics, 10_000)
  const maxBytes = atLeast(0, 'maxBytes', options.maxBytes, 256 * 1024 * 1024)
  const now = () => clock.monotonic()

  /** In the order of their last append: the quietest first. */
  const topics = new Map<string, Topic>()
  const running = new Map<string, Promise<unknown>>()
  let record = createPublishRecord(dedupe, now)
  const sessions = createSessionRegister(IDLE_SESSIONS, now)
  let messages = 0
  let bytes = 0
  // A topic without messages may be forgotten and made again under the same epoch. As soon as one with messages is forgotten,
  // all made later bear another epoch, so that no number is ever used twice under one.
  let root = nanoid()
  let generation = 0
  /** Topics in the order in which their messages came, to find the oldest of all. Some have been trimmed already. */
  let arrivals: { readonly topic: Topic; readonly history: TopicHistory; readonly offset: number }[] = []
  let firstArrival = 0

  const newHistory = () => createTopicHistory(limits, (change) => {
    bytes += change
    messages += Math.sign(change)
  })

  function topicOf(name: string): Topic {
    let topic = topics.get(name)
    if (!topic) {
      if (topics.size >= maxTopics) makeRoom()
      topic = { epoch: `${root}.${generation}`, offset: 0, history: newHistory(), tails: new Set() }
      topics.set(name, topic)
    }
    return topic
  }

  function makeRoom() {
    for (const [name, topic] of topics) {
      if (topic.tails.size > 0) continue
      topics.delete(name)
      while (topic.history.size > 0) topic.history.dropOldest()
      if (topic.offset > 0) generation++
      return
    }
    throw new LiveSocketError('refused', `All ${maxTopics} topics of the log are being read: raise maxTopics.`, { retryAfter: 1_000 })
  }

  function trimAll() {
    while (bytes > maxBytes && firstArrival < arrivals.length) {
      const { history, offset } = arrivals[firstArrival++]!
      if (history.oldest === offset) history.dropOldest()
    }
    if (arrivals.length - firstArrival > 2 * messages + 1_024) {
      arrivals = arrivals.slice(firstArrival).filter(({ history, offset }) => (history.oldest ?? Infinity) <= offset)
      firstArrival = 0
    } else if (firstArrival > 1_024 && firstArrival * 2 > arrivals.length) {
      arrivals = arrivals.slice(firstArrival)
      firstArrival = 0
    }
  }

  function headOf(topic: Topic): TopicHead {
    topic.history.age(now())
    return { epoch: topic.epoch, offset: topic.offset, oldest: topic.history.oldest ?? topic.offset + 1 }
  }

  function tell(topic: Topic, event: TailEvent) {
    for (const listener of [...topic.tails]) listener(event)
  }

  const find = (origin: Origin) => record.find(origin, sessions.knownThroughout(origin.session))

  return {
    async append({ topic: name, data, origin, answer }) {
      const known = origin && find(origin)
      if (known) return { answer: known, repeat: true }
      const topic = topicOf(name)
      topics.delete(name)
      topics.set(name, topic)
      const offset = ++topic.offset
      const ack = { type: 'ack', offset, ...(answer === undefined ? undefined : { data: answer }) } as const
      topic.history.push(offset, data, now())
      arrivals.push({ topic, history: topic.history, offset })
      trimAll()
      if (origin) record.add(origin, ack)
      tell(topic, { type: 'entry', epoch: topic.epoch, entry: { offset, data } })
      return { answer: ack, repeat: false }
    },
    async refuse(origin, nack) {
      const known = find(origin)
      if (known) return known
      record.add(origin, nack)
      return nack
    },
    async recall(origin) {
      return find(origin)
    },
    async once(origin, task) {
      const key = keyOf(origin)
      const mine = (running.get(key) ?? Promise.resolve()).then(task)
      const settled = mine.then(() => undefined, () => undefined)
      running.set(key, settled)
      try {
        return await mine
      } finally {
        if (running.get(key) === settled) running.delete(key)
      }
    },
    async head(name) {
      return headOf(topicOf(name))
    },
    async read(name, after, limit) {
      const topic = topicOf(name)
      topic.history.age(now())
      return { epoch: topic.epoch, entries: topic.history.after(after, limit.maxMessages, limit.maxBytes) }
    },
    async tail(name, listener) {
      const topic = topicOf(name)
      const { tails } = topic
      // Wrapped, so that one function can listen twice.
      const mine = (event: TailEvent) => listener(event)
      tails.add(mine)
      return { head: headOf(topic), stop: () => void tails.delete(mine) }
    },
    async admit(session, leg, subject) {
      return sessions.admit(session, leg, subject)
    },
    async release(session, leg) {
      return sessions.release(session, leg)
    },
    async close() {
      for (const topic of topics.values()) topic.tails.clear()
    },
    forget() {
      root = nanoid()
      generation = 0
      record = createPublishRecord(dedupe, now)
      sessions.mark()
      arrivals = []
      firstArrival = 0
      messages = 0
      bytes = 0
      const before = [...topics]
      topics.clear()
      for (const [name, topic] of before) {
        if (topic.tails.size === 0) continue
        topic.epoch = `${root}.${generation}`
        topic.offset = 0
        topic.history = newHistory()
        topics.set(name, topic)
      }
      for (const topic of topics.values()) tell(topic, { type: 'epoch', head: headOf(topic) })
    },
    size: () => ({ topics: topics.size, messages, bytes, ids: record.size, sessions: sessions.size }),
  }
}
