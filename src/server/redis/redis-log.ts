import { nanoid } from 'nanoid'
import { systemClock, systemRandom, type Clock, type Random } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { invalid, shown } from '../invalid.js'
import { keepRecords, keyOf } from '../log/publish-record.js'
import { createReport } from '../reporter.js'
import {
  OUT_OF_ORDER,
  OUTCOME_UNKNOWN,
  type Answer,
  type LogEntry,
  type LogPage,
  type Nack,
  type NewEntry,
  type Origin,
  type PageLimit,
  type Recorded,
  type TopicLog,
} from '../log/topic-log.js'
import { createAppendOrder, type AppendPlace } from './append-order.js'
import { createFeedTail, type FeedHead } from './feed-tail.js'
import { createKeys, encodeName } from './keys.js'
import { createPublishTurns } from './publish-turns.js'
import { createRedisConnection } from './redis-connection.js'
import { replyCode } from './redis-failure.js'
import { redisLimits, type RedisLimits } from './redis-limits.js'
import { redisSource, type RedisClusterNodes, type RedisSentinels, type RedisTemplate } from './redis-source.js'
import { createReplayPages } from './replay-pages.js'
import { CALL_PATIENCE } from './roll-call.js'
import type { Script } from './script.js'
import { SCRIPTS } from './scripts.js'
import { createSessionLeases, LEASE } from './session-leases.js'
import { createTopicScripts } from './topic-scripts.js'

export interface RedisLogOptions extends RedisLimits {
  /**
   * Such as `redis://localhost:6379`, `rediss://user:password@host:6380` or `unix:///run/redis.sock`. Either this,
   * `client`, `cluster` or `sentinel`. A node of a cluster says who has the log's slot, and is followed.
   */
  readonly url?: string
  /**
   * What `createClient` of `redis` made, for whatever a URL cannot say: `redis` 4, 5 or 6. It is copied, never
   * connected, and stays yours. Its `commandOptions` (mapped replies among them), `commandsQueueMaxLength`, `RESP` and
   * whatever else is between a command and its reply do not hold for the copies.
   */
  readonly client?: RedisTemplate
  /**
   * What you would give `createCluster`: several nodes of a cluster, of which some may be down when this node starts.
   */
  readonly cluster?: RedisClusterNodes
  /** What you would give `createSentinel`: sentinels, which say where the master is. */
  readonly sentinel?: RedisSentinels
  /** What the keys begin with, as `{prefix}:`. Servers with the same one share everything. Default `livesocket`. */
  readonly prefix?: string
  /**
   * Whether all that Redis acknowledged is still there when another Redis is the master, or the same one anew. `true`:
   * you vouch for it, and no node is waited for; the epoch goes on unless the node that comes knows of something that
   * is missing. `false`: it may not be, and the epoch ends, so that each client is told of one gap in place of losing
   * something in silence. Default: every node is asked what it last knew of, and the epoch goes on where all of that is
   * there.
   */
  readonly durable?: boolean
  /**
   * What went wrong between this node and Redis; it goes on by itself. Default: a line on `console.error` for each
   * kind, then how often.
   */
  readonly onError?: (error: unknown, doing: string) => void
  readonly clock?: Clock
}

export interface RedisLogStats {
  /** Whether Redis can be asked now. */
  readonly here: boolean
  /** How often the connection was made, the first time included. */
  readonly connections: number
  /** Of this node: publishes stored, heads asked for, pages read. */
  readonly appends: number
  readonly heads: number
  readonly reads: number
}

export interface RedisLog extends TopicLog {
  stats(): RedisLogStats
}

/** What a test may take the place of. */
export interface RedisLogOutside {
  readonly time?: () => number
  readonly random?: Random
  /** For how long a node's word counts, in milliseconds. */
  readonly lease?: number
  /** Sessions without legs that are remembered. */
  readonly maxIdle?: number
}

/** A publish whose connection broke is asked for again under its id, for as long as a closing leg waits for answers. */
const ASK_AGAIN = 5_000
/** A topic that is listened to here is asked for its head no more often than this. */
const HEAD_INTERVAL = 100
/** In Redis it holds for twice that. */
const FOLLOW_EVERY = 60_000
const FOLLOWED_AT_ONCE = 500
const CATCH_UP: PageLimit = { maxMessages: 256, maxBytes: 256 * 1024 }

/**
 * A topic log in Redis 7, on Streams: any number of servers on any number of machines share it. It connects at once,
 * and again whenever the connection breaks; meanwhile everything is refused with `retryAfter`. An acknowledged publish
 * is as safe as Redis keeps it: with `appendfsync everysec`, a machine that dies takes the last second with it. Throws
 * `invalid` for options that make no sense.
 */
export function redisLog(options: RedisLogOptions = {}): RedisLog {
  return openRedisLog(options, {})
}

export function openRedisLog(options: RedisLogOptions, outside: RedisLogOutside): RedisLog {
  const { prefix = 'livesocket', clock = systemClock } = options
  const onError = createReport(options.onError)
  const { random = systemRandom } = outside
  const source = redisSource(options)
  if (typeof prefix !== 'string' || prefix === '' || /[{}]/.test(prefix))
    throw invalid(`prefix must be a string without braces, not ${shown(prefix)}`)
  const limits = redisLimits(options)
  const scripts = createTopicScripts(limits)

  const keys = createKeys(prefix)
  const counts = { connections: 0, appends: 0, heads: 0, reads: 0 }
  /** Heads being asked for, and when the last was. */
  const heads = new Map<string, Promise<FeedHead>>()
  const askedAt = new Map<string, number>()
  const sleeping = new Set<() => void>()
  let wasHere = false
  const node = nanoid()
  /** Each append that is sent has a stamp of its own, also where it is sent anew. */
  let stamped = 0

  const connection = createRedisConnection(
    {
      source,
      durable: options.durable,
      keys,
      node,
      lease: outside.lease ?? LEASE,
      scripts: [...Object.values(SCRIPTS), ...Object.values(scripts)] as Script[],
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
      },
      away: () => void (wasHere = false),
      onError,
    },
  )
  const pages = createReplayPages(clock, readNow)
  const sessions = createSessionLeases(
    {
      connection,
      keys,
      node,
      clock,
      idle: keepRecords(limits.dedupe),
      lease: outside.lease ?? LEASE,
      maxIdle: outside.maxIdle,
    },
    onError,
  )
  const order = createAppendOrder(() => connection.generation)
  const once = createPublishTurns({ connection, keys, clock, random })
  const tail = createFeedTail({
    clock,
    feed: keys.feed,
    read: (command) => connection.read(command),
    head: headNow,
    entries: (topic, after) => pages.read(topic, after, CATCH_UP),
    check: () => connection.rejoin(),
    knows: (mark) => connection.knows(mark),
    here: () => connection.here,
    onError,
  })

  /** Topics that are followed here are not forgotten. */
  let cancelFollow: () => void = () => undefined
  function follow() {
    cancelFollow = clock.setTimeout(() => {
      follow()
      if (connection.here)
        followed().catch((error: unknown) => connection.here && onError(error, 'keeping the topics that are followed'))
    }, FOLLOW_EVERY)
  }
  follow()

  async function followed() {
    const topics = tail.topics()
    for (let from = 0; from < topics.length; from += FOLLOWED_AT_ONCE) {
      const names = topics.slice(from, from + FOLLOWED_AT_ONCE).map(encodeName)
      await connection.run(scripts.follow, (root) => ({ keys: [keys.root, keys.topics(root)], args: names }))
    }
  }

  async function headNow(topic: string): Promise<FeedHead> {
    counts.heads++
    let under = ''
    const [, epoch, offset, oldest, seq, at, last] = await connection.run(scripts.head, (root) => ({
      keys: [keys.root, keys.feed, keys.topic((under = root), topic), keys.topics(root)],
      args: [encodeName(topic), tail.has(topic) ? '1' : ''],
    }))
    connection.knows({ epoch: under, seq: Number(seq), last: String(last) })
    return { epoch: String(epoch), offset: Number(offset), oldest: Number(oldest), seq: Number(seq), at: String(at) }
  }

  /** Whoever asks while the last answer is young waits a little, with all others who do. */
  function headSoon(topic: string): Promise<FeedHead> {
    const asking = heads.get(topic)
    if (asking) return asking
    const wait = (askedAt.get(topic) ?? -Infinity) + HEAD_INTERVAL - clock.monotonic()
    const asked = (async () => {
      if (wait > 0) await sleep(wait)
      // From here on the answer may be older than the question: whoever comes now asks anew.
      heads.delete(topic)
      askedAt.set(topic, clock.monotonic())
      return headNow(topic)
    })()
    // Without a wait it is asked already.
    if (wait > 0) heads.set(topic, asked)
    return asked
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel()
        sleeping.delete(wake)
        resolve()
      }
      const cancel = clock.setTimeout(wake, ms)
      sleeping.add(wake)
    })
  }

  async function readNow(topic: string, after: number, { maxMessages, maxBytes }: PageLimit): Promise<LogPage> {
    counts.reads++
    const [, epoch, ...flat] = await connection.run(scripts.read, (root) => ({
      keys: [keys.root, keys.topic(root, topic)],
      args: [encodeName(topic), limitText(after), limitText(maxMessages), limitText(maxBytes)],
    }))
    const entries: LogEntry[] = []
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const offset = /^(\d+)-0$/.exec(String(flat[at]))?.[1]
      const data = flat[at + 1]
      if (offset !== undefined && typeof data === 'string') entries.push({ offset: Number(offset), data })
      else
        onError(
          new LiveSocketError(
            'invalid',
            `The entry ${shown(flat[at])} is not what this library wrote; it was skipped`,
            { topic },
          ),
          'reading a topic',
        )
    }
    return { epoch: String(epoch), entries }
  }

  async function appendAt(
    { topic, data, origin, answer }: NewEntry,
    place: AppendPlace | undefined,
  ): Promise<Recorded> {
    const begun = clock.monotonic()
    let under = ''
    const send = (age: number | undefined) =>
      connection.run(
        scripts.append,
        (root) => ({
          keys: [
            keys.root,
            keys.feed,
            keys.topics(root),
            keys.record(root, origin?.session ?? ''),
            keys.session(origin?.session ?? ''),
            keys.topic((under = root), topic),
          ],
          args: [
            encodeName(topic),
            data,
            origin ? encodeName(origin.id) : '',
            placeText(origin, age, age === undefined ? clock.monotonic() - begun : 0),
            answer === undefined ? '' : `:${answer}`,
            `${node.slice(0, 8)}.${(++stamped).toString(36)}`,
          ],
        }),
        place?.send,
      )
    let broken: unknown
    const attempt = () => {
      // Asked again, it is a repeat: where its first answer was lost with Redis's data, that must not be taken for
      // never applied.
      const repeat = broken !== undefined || origin?.age !== undefined
      return send(repeat ? (origin?.age ?? 0) + clock.monotonic() - begun + 1 : undefined)
    }
    for (;;) {
      try {
        const called = connection.called()
        if (called) await called
        // While Redis is away it is refused at once, whatever became of what was sent before.
        const [outcome, text, seq, epoch, offset, last] = await (place && connection.here
          ? place.send(attempt)
          : attempt())
        if (outcome === 'new') {
          counts.appends++
          connection.knows({ epoch: under, seq: Number(seq), last: String(last) })
          tail.appended(topic, String(epoch), { offset: Number(offset), data })
        }
        return { answer: answerOf(String(text)), repeat: outcome === 'repeat' }
      } catch (error) {
        const refused = error instanceof LiveSocketError && error.code === 'refused'
        if (broken === undefined && refused) throw error
        // Redis itself failed in the middle of it: asked again it would do half of it again.
        if (!refused && replyCode((error as LiveSocketError).cause) !== '') throw error
        broken ??= error
        const left = begun + ASK_AGAIN - clock.monotonic()
        if (!origin || !(await isBack(left))) throw broken
        if (refused) await sleep(50)
      }
    }
  }

  /** Where it is there, and only waits for other nodes, that is soon over. */
  async function isBack(left: number): Promise<boolean> {
    if (left > 0 && (await connection.back(left))) return true
    await connection.called()
    return connection.here && left > -CALL_PATIENCE
  }

  async function find(origin: Origin, nack?: Nack): Promise<Answer | null> {
    const [, known] = await connection.run(scripts.find, (root) => ({
      keys: [keys.root, keys.record(root, origin.session), keys.session(origin.session)],
      args: [
        encodeName(origin.id),
        encodeName(origin.place?.topic ?? ''),
        placeText(origin, origin.age),
        nack ? `n${JSON.stringify(nack)}` : '',
      ],
    }))
    return known ? answerOf(String(known)) : null
  }

  return {
    async append(entry) {
      const place = entry.origin && order.enter(keyOf({ session: entry.origin.session, id: entry.topic }))
      try {
        return await appendAt(entry, place)
      } finally {
        place?.leave()
      }
    },
    async refuse(origin, nack) {
      return (await find(origin, nack))!
    },
    recall: (origin) => find(origin),
    once,
    async head(topic) {
      const { epoch, offset, oldest } = await (tail.has(topic) ? headSoon(topic) : headNow(topic))
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
          askedAt.delete(topic)
        },
      }
    },
    admit: (session, leg, subject) => sessions.admit(session, leg, subject),
    release: (session, leg) => sessions.release(session, leg),
    presence: (listener) => sessions.follow(listener),
    status() {
      const reached = connection.status()
      return reached.ready ? sessions.status() : reached
    },
    async close() {
      cancelFollow()
      tail.close()
      pages.close()
      await sessions.close()
      await connection.leave()
      connection.close()
      for (const wake of [...sleeping]) wake()
    },
    stats: () => ({ here: connection.here, ...counts }),
  }
}

/** For Lua: Infinity is nothing. */
function limitText(limit: number): string {
  return Number.isFinite(limit) ? `${Math.floor(limit)}` : ''
}

/**
 * Of a repeat its age; how long it may have been on its way, with what it waited here since; and its number, where it
 * has one.
 */
function placeText(origin: Origin | undefined, age: number | undefined, waited = 0): string {
  const ms = (time: number) => `${Math.max(0, Math.ceil(time))}`
  return `${age === undefined ? '' : ms(age)}:${ms((origin?.flight ?? 0) + waited)}:${origin?.place?.n ?? ''}`
}

/** See RECORD in the scripts. */
function answerOf(text: string): Answer {
  if (text === 'u') return OUTCOME_UNKNOWN
  if (text === 'o') return OUT_OF_ORDER
  if (text.startsWith('n')) return JSON.parse(text.slice(1)) as Nack
  const colon = text.indexOf(':')
  const offset = Number(text.slice(1, colon < 0 ? undefined : colon))
  return { type: 'ack', offset, ...(colon < 0 ? undefined : { data: text.slice(colon + 1) }) }
}
