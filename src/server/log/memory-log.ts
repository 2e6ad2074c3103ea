import { systemClock, type Clock } from '../../base/clock.js'
import { numberOf } from '../bounds.js'
import type { News } from './news.js'
import { KeptTopics, type KeptTopic } from './kept-topics.js'
import { logLimits } from './log-limits.js'
import { createPublishRecord, keepRecords, keyOf, type DedupeLimits } from './publish-record.js'
import { createSessionRegister, type SessionRegister } from './session-register.js'
import { entryOf, type HistoryLimits } from './topic-history.js'
import { createMemoryAttendance } from './memory-attendance.js'
import type { LogSize, NewEntry, Recorded, TailEvent, TopicLog } from './topic-log.js'

/** What a memory log keeps, and for how long. Durations are milliseconds. */
export interface MemoryLogOptions {
  /** How much of each topic is kept for clients that come back: see `HistoryLimits`. */
  readonly history?: Partial<HistoryLimits>
  /** For how long a repeated publish is recognised: see `DedupeLimits`. */
  readonly dedupe?: Partial<DedupeLimits>
  /**
   * The most topics kept that nobody reads; topics that are read are bounded by the limits of the servers. At the bound
   * the longest quiet topic of the session that created the most is forgotten; topics that a server created go last.
   * Default 10,000.
   */
  readonly maxTopics?: number
  /**
   * The most bytes kept of all topics together: their data, and 100 more for each message. At the bound the topic that
   * has the most drops its oldest message. Default 256 MiB.
   */
  readonly maxBytes?: number
  /** For tests. Default: the system's clock. */
  readonly clock?: Clock
}

/** A topic log in this process: for one server, or for several in the same process. */
export interface MemoryLog extends TopicLog {
  /**
   * Loses its data, as a crash would: every topic starts over under a new epoch, and no publish is remembered. Sessions
   * are not affected.
   */
  forget(): void
  /**
   * What it holds. `unread`: topics that nobody reads. `evicted`: topics that were forgotten with their messages, at
   * `maxTopics`.
   */
  size(): LogSize
}

/** The most sessions without legs that are remembered. */
const MAX_IDLE = 100_000
/**
 * The most answers remembered over all sessions. If `maxIds` for each session would be more, each session gets an equal
 * share.
 */
const MAX_ANSWERS = 1_000_000
const LEAST_ANSWERS = 16

/**
 * A topic log in the memory of this process. Any number of servers in the process may share it. It ends with the
 * process, and its content is lost then. Throws `invalid` for a limit that is not a number within its bounds.
 */
export function memoryLog(options: MemoryLogOptions = {}): MemoryLog {
  const clock = options.clock ?? systemClock
  const { history, dedupe } = logLimits(options)
  const maxTopics = numberOf('memoryLog.maxTopics', options.maxTopics)
  const maxBytes = numberOf('memoryLog.maxBytes', options.maxBytes)
  const now = () => clock.monotonic()

  const topics = new KeptTopics({ history, maxTopics, maxBytes }, now)
  const hearers = new Set<{ readonly listener: (news: News) => void }>()
  const running = new Map<string, Promise<unknown>>()
  const share = () => Math.min(dedupe.maxIds, Math.max(LEAST_ANSWERS, Math.floor(MAX_ANSWERS / sessions.known)))
  const sessions: SessionRegister = createSessionRegister(
    { idle: keepRecords(dedupe), maxIdle: MAX_IDLE },
    (born) => createPublishRecord(born, dedupe.window, share, now),
    now,
  )

  function tell(topic: KeptTopic, event: TailEvent) {
    for (const listener of [...topic.tails]) listener(event)
  }

  function append({ topic: name, data, origin, answer, about }: NewEntry): Recorded {
    const record = origin && sessions.record(origin.session)
    const known = record?.find(origin!)
    if (known) return { answer: known, repeat: true }
    const topic = topics.get(name)
    topics.push(topic, data, origin?.session ?? null, about)
    const { offset } = topic
    const ack = { type: 'ack', offset, ...(answer === undefined ? undefined : { data: answer }) } as const
    record?.add(origin!, ack)
    tell(topic, { type: 'entry', epoch: topic.epoch, entry: entryOf(offset, data, about) })
    return { answer: ack, repeat: false, ...(origin ? undefined : { epoch: topic.epoch }) }
  }

  const head = (name: string) => topics.headOf(topics.get(name))
  const attendance = createMemoryAttendance({ append, head, isHere: sessions.isHere, now })

  return {
    attendance,
    append: async (entry) => append(entry),
    async refuse(origin, nack) {
      const record = sessions.record(origin.session)
      const known = record.find(origin)
      if (known) return known
      record.add(origin, nack)
      return nack
    },
    async recall(origin) {
      return sessions.record(origin.session).find(origin)
    },
    async once(origin, task) {
      const key = keyOf(origin)
      const mine = (running.get(key) ?? Promise.resolve()).then(task)
      const settled = mine.then(
        () => undefined,
        () => undefined,
      )
      running.set(key, settled)
      try {
        return await mine
      } finally {
        if (running.get(key) === settled) running.delete(key)
      }
    },
    head: async (name) => head(name),
    async read(name, after, limit) {
      const topic = topics.get(name)
      topic.history.age(now())
      return { epoch: topic.epoch, entries: topic.history.after(after, limit.maxMessages, limit.maxBytes) }
    },
    async tail(name, listener) {
      const topic = topics.get(name)
      const stop = topics.read(topic, listener)
      return { head: topics.headOf(topic), stop }
    },
    news(listener) {
      const own = { listener }
      hearers.add(own)
      return {
        async tell(news) {
          for (const hearer of hearers) if (hearer !== own) hearer.listener(news)
        },
        leave: () => void hearers.delete(own),
      }
    },
    async admit(session, leg, subject) {
      return sessions.admit(session, leg, subject)
    },
    async release(session, leg) {
      const released = sessions.release(session, leg)
      if (released.last) attendance.left(session)
      return released
    },
    async close() {
      for (const topic of topics.all()) topic.tails.clear()
    },
    forget() {
      sessions.loseRecords()
      attendance.forget()
      for (const topic of topics.reset()) tell(topic, { type: 'epoch', head: topics.headOf(topic) })
    },
    size: () => ({ ...topics.size(), ids: sessions.answers, sessions: sessions.size }),
  }
}
