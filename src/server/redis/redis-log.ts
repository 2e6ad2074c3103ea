import { nanoid } from 'nanoid'
import { systemClock, systemRandom, type Random } from '../../base/clock.js'
import { keepRecords } from '../log/publish-record.js'
import type { PageLimit, TopicLog } from '../log/topic-log.js'
import { createReport } from '../reporter.js'
import { FeedTail } from './feed-tail.js'
import { keepFollowedTopics } from './followed-topics.js'
import { createKeys } from './keys.js'
import { NewsTail } from './news-tail.js'
import { createPublishTurns } from './publish-turns.js'
import { recordedAnswer } from './recorded-answer.js'
import { createRedisAppends } from './redis-appends.js'
import { createRedisAttendance } from './redis-attendance.js'
import { createRedisConnection } from './redis-connection.js'
import { checkedRedisLogOptions, type RedisLogOptions } from './redis-log-options.js'
import { createReplayPages } from './replay-pages.js'
import type { Script } from './script.js'
import { SCRIPTS } from './scripts.js'
import { SessionLeases, LEASE } from './session-leases.js'
import { createSleep } from './sleep.js'
import { TELL } from './tell-script.js'
import { createTopicHeads } from './topic-heads.js'
import { readTopicPage } from './topic-page.js'
import { createTopicScripts } from './topic-scripts.js'

export type { RedisLogOptions } from './redis-log-options.js'

/** What this node has asked of Redis. */
export interface RedisLogStats {
  /** Whether Redis can be reached at present. */
  readonly here: boolean
  /** How often the connection was made, including the first time. */
  readonly connections: number
  /** Publishes that this node has stored. */
  readonly appends: number
  /** Heads that this node has asked for. */
  readonly heads: number
  /** Pages that this node has read. */
  readonly reads: number
}

/** A topic log on Redis Streams, shared by all servers with the same prefix. */
export interface RedisLog extends TopicLog {
  stats(): RedisLogStats
}

/** What tests may replace. */
export interface RedisLogOutside {
  readonly time?: () => number
  readonly random?: Random
  /** For how many milliseconds a node's lease counts. */
  readonly lease?: number
  /** The most sessions without legs that are remembered. */
  readonly maxIdle?: number
}

const CATCH_UP: PageLimit = { maxMessages: 256, maxBytes: 256 * 1024 }

/**
 * A topic log in Redis 7, on Streams: any number of servers on any number of machines share it. It connects at once,
 * and reconnects whenever the connection breaks; meanwhile everything is refused with `retryAfter`. An acknowledged
 * publish is as safe as Redis keeps it: with `appendfsync everysec`, a machine that dies loses the last second. Throws
 * `invalid` for options that make no sense.
 */
export function redisLog(options: RedisLogOptions = {}): RedisLog {
  return openRedisLog(options, {})
}

export function openRedisLog(options: RedisLogOptions, outside: RedisLogOutside): RedisLog {
  const { source, prefix, limits } = checkedRedisLogOptions(options)
  const { clock = systemClock } = options
  const { random = systemRandom, lease = LEASE } = outside
  const onError = createReport(options.onError)
  const scripts = createTopicScripts(limits)
  const keys = createKeys(prefix)
  const node = nanoid()
  const counts = { connections: 0, appends: 0, heads: 0, reads: 0 }
  let wasHere = false

  const connection = createRedisConnection(
    {
      source,
      durable: options.durable,
      keys,
      node,
      lease,
      scripts: [...Object.values(SCRIPTS), TELL, ...Object.values(scripts)] as Script[],
      clock,
      random,
      time: outside.time,
    },
    {
      here() {
        if (!wasHere) counts.connections++
        wasHere = true
        pages.forget()
        sessions.restore()
        tail.wake()
        news.wake()
      },
      away: () => void (wasHere = false),
      onError,
    },
  )
  const shared = { connection, keys, clock, node, onError, sleep: createSleep(clock) }
  const heads = createTopicHeads({
    ...shared,
    script: scripts.head,
    follows: (topic) => tail.has(topic),
    asked: () => void counts.heads++,
  })
  const readNow = (topic: string, after: number, limit: PageLimit) => {
    counts.reads++
    return readTopicPage({ ...shared, script: scripts.read }, topic, after, limit)
  }
  const pages = createReplayPages(clock, readNow)
  const sessions = new SessionLeases({ ...shared, idle: keepRecords(limits.dedupe), lease, maxIdle: outside.maxIdle })
  const append = createRedisAppends({
    ...shared,
    script: scripts.append,
    appended(topic, epoch, entry) {
      counts.appends++
      tail.appended(topic, epoch, entry)
    },
  })
  const tail = new FeedTail({
    clock,
    feed: keys.feed,
    read: (command) => connection.read(command),
    head: heads.now,
    entries: (topic, after) => pages.read(topic, after, CATCH_UP),
    confirmEpoch: () => connection.rejoin(),
    knows: (mark) => connection.knows(mark),
    here: () => connection.here,
    onError,
  })
  const news = new NewsTail({ ...shared, script: TELL })
  const forgetFollowed = keepFollowedTopics({ ...shared, script: scripts.follow, topics: () => tail.topics() })

  const records = { ...shared, script: scripts.find }

  return {
    append,
    refuse: async (origin, nack) => (await recordedAnswer(records, origin, nack))!,
    recall: (origin) => recordedAnswer(records, origin),
    once: createPublishTurns({ ...shared, random }),
    async head(topic) {
      const { epoch, offset, oldest } = await (tail.has(topic) ? heads.soon(topic) : heads.now(topic))
      return { epoch, offset, oldest }
    },
    read: (topic, after, limit) => (tail.has(topic) ? pages.read(topic, after, limit) : readNow(topic, after, limit)),
    async tail(topic, listener) {
      const { head, stop } = await tail.start(topic, (event) => {
        if (event.type === 'epoch') pages.forget(topic)
        listener(event)
      })
      return {
        head,
        stop() {
          stop()
          if (tail.has(topic)) return
          pages.forget(topic)
          heads.forget(topic)
        },
      }
    },
    admit: (session, leg, subject) => sessions.admit(session, leg, subject),
    release: (session, leg) => sessions.release(session, leg),
    news: (listener) => news.join(listener),
    presence: (listener) => sessions.follow(listener),
    attendance: createRedisAttendance({ ...shared, scripts }),
    status() {
      const reached = connection.status()
      return reached.ready ? sessions.status() : reached
    },
    async close() {
      forgetFollowed()
      tail.close()
      news.close()
      pages.close()
      await sessions.close()
      await connection.leave()
      connection.close()
      shared.sleep.wakeAll()
    },
    stats: () => ({ here: connection.here, ...counts }),
  }
}
