import { bounds, type Bound } from '../policy/bounds.js'
import { MAX_TEXT, MAX_TOKEN } from '../protocol/fields.js'
import { invalid, shown } from '../base/invalid.js'

const SECOND = 1_000
const KIB = 1_024
const MIB = 1_024 * KIB
/** The largest signed 32-bit integer: `ws` and zlib take no larger number. */
const LARGEST = 2 ** 31 - 1
/** The bound for whatever a process or Redis may keep: more than any machine has. */
const MOST_KEPT = 2 ** 40
/** The most entries that a V8 map holds, and that a hash in Redis should. */
const MOST_ENTRIES = 2 ** 24
/** The bound for every time limit: as long as a drain may last. */
const LONGEST = bounds.handover.most

/**
 * The most characters of data in a frame to a client, beside its offset and names: clients read no larger frame. What
 * one client publishes reaches the others in such a frame.
 */
export const LONGEST_DATA = MAX_TEXT - MAX_TOKEN

/** The most characters of data in a refusal, beside its message: the log keeps them with the record of the publish. */
export const LONGEST_REFUSAL = 64 * KIB

const count = (otherwise: number): Bound => ({ least: 1, most: LARGEST, otherwise })
const time = (otherwise: number, least = 1): Bound => ({ least, most: LONGEST, otherwise })

/** What one client may cost: see `ServerLimits`. */
export const limitBounds = {
  maxConnections: count(20_000),
  maxPerAddress: count(20_000),
  maxPending: count(2_000),
  // Greetings are limited by how long they take. If this number were reached first, it would leave the identity service
  // idle whenever the process is late. It is two seconds' worth of calls at 500 a second.
  maxAuthenticating: count(1_000),
  maxPendingBytes: count(16 * MIB),
  helloTimeout: time(10 * SECOND),
  queueTimeout: time(60 * SECOND),
  // A `hello` with one topic and a token must fit, however small the frames that the application publishes.
  maxFrame: { least: KIB, most: LONGEST_DATA, otherwise: 256 * KIB },
  maxFragments: count(128),
  maxTopics: count(1_000),
  maxTopicsRead: count(50_000),
  maxBuffered: count(256 * KIB),
  stallTimeout: time(20 * SECOND),
  // After a break an outbox of the default size arrives at once, perhaps twice. In steady use this is many times the
  // rate of somebody typing or of a cursor.
  messagesPerSecond: count(500),
  messageBurst: count(2_000),
  bytesPerSecond: count(2 * MIB),
  byteBurst: count(16 * MIB),
  maxQueued: count(128),
  maxQueuedBytes: count(MIB),
  publishTimeout: time(8 * SECOND),
  maxRequests: count(100),
  requestTimeout: time(30 * SECOND),
  maxPresences: count(100),
  maxPresenceData: { least: 1, most: 64 * KIB, otherwise: 4 * KIB },
  presenceGrace: time(5 * SECOND, 0),
  answerTimeout: time(5 * SECOND),
  closeTimeout: time(2 * SECOND),
  silenceGrace: time(10 * SECOND, 0),
  tokenGrace: time(60 * SECOND, 0),
} satisfies Record<string, Bound>

/** What a log keeps: see `HistoryLimits` and `DedupeLimits`. */
const logBounds = {
  'history.maxMessages': { least: 0, most: LARGEST, otherwise: 1_000 },
  'history.maxBytes': { least: 0, most: MOST_KEPT, otherwise: MIB },
  'history.maxAge': { ...bounds.lifetime, least: 0, otherwise: 5 * 60 * SECOND },
  // Sessions without a leg are remembered for this long as well.
  'dedupe.window': { least: 0, most: 7 * 24 * 3_600 * SECOND, otherwise: 10 * 60 * SECOND },
  'dedupe.maxIds': { least: 1, most: MOST_ENTRIES, otherwise: 1_000 },
  'memoryLog.maxTopics': { least: 1, most: MOST_ENTRIES, otherwise: 10_000 },
  'memoryLog.maxBytes': { least: 0, most: MOST_KEPT, otherwise: 256 * MIB },
  'redisLog.maxTopics': { least: 1, most: LARGEST, otherwise: 100_000 },
} satisfies Record<string, Bound>

/**
 * Every number that an application gives a server. Values that go on the wire stay within what clients accept
 * (`policy/bounds` and `protocol/fields`, shared by both sides): clients would clamp a larger one, or could not read
 * the frame at all.
 */
export const serverBounds = {
  ...logBounds,
  heartbeat: { ...bounds.heartbeat, least: SECOND, otherwise: 10 * SECOND },
  reconnectSpread: bounds.spread,
  /** Connections, or legs, a second. */
  'reconnectSpread.rate': { least: Number.MIN_VALUE, most: LARGEST, otherwise: 1 },
  'drain.rate': { least: Number.MIN_VALUE, most: LARGEST, otherwise: 200 },
  'drain.deadline': { ...bounds.handover, otherwise: 30 * SECOND },
  'drain.spread': bounds.handover,
  'drainWhenReplaced.every': time(5 * SECOND, 20),
  'renewTokens.within': { ...bounds.lifetime, otherwise: 60 * SECOND },
  'offerTokens.tokenTtl': { ...bounds.lifetime, least: 1 },
  'Refused.retryAfter': bounds.retryAfter,
  ...(Object.fromEntries(Object.entries(limitBounds).map(([name, bound]) => [`limits.${name}`, bound])) as Record<
    `limits.${keyof typeof limitBounds}`,
    Bound
  >),
} satisfies Record<string, Bound>

/** Rates keep their fraction. All other numbers are whole milliseconds, bytes or counts. */
const PARTS = /rate$/

/**
 * The number with that name, rounded down, or its default if none was given. Throws `invalid` if it is not a number or
 * out of bounds.
 */
export function numberOf(name: keyof typeof serverBounds, value: unknown): number {
  const { least, most, otherwise } = serverBounds[name]
  if (value === undefined) return otherwise
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw invalid(
      `${name} must be a number ${least === Number.MIN_VALUE ? 'above 0' : `from ${least}`} to ${most}, not ${shown(value)}`,
    )
  }
  return PARTS.test(name) ? value : Math.floor(value)
}

/** A text that goes on the wire. Throws `invalid` if it is not a string, or longer than clients read. */
export function textOf(name: string, value: unknown, most: number, least = 0): string {
  if (typeof value === 'string' && value.length >= least && value.length <= most) return value
  const was = typeof value === 'string' ? `one of ${value.length}` : shown(value)
  throw invalid(`${name} must be a string of ${least === 0 ? 'at most' : `${least} to`} ${most} characters, not ${was}`)
}
