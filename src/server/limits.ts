import { MAX_EPOCH, MAX_ID, MAX_TOKEN, MAX_TOPIC } from '../protocol/fields.js'
import { limitBounds, numberOf } from './bounds.js'
import { invalid, shown } from '../base/invalid.js'

/**
 * What one client may cost, and what all of them may. Times are milliseconds and sizes are bytes, rounded down to whole
 * numbers.
 */
export interface ServerLimits {
  /** The most connections at a time, welcomed or not. One more is answered `busy`. Default 20,000. */
  readonly maxConnections: number
  /**
   * The most connections at a time from one address. Default 20,000, because an office is one address, and so are all
   * clients behind a proxy that `trustedProxies` does not count.
   */
  readonly maxPerAddress: number
  /**
   * The most connections at a time that are not welcomed yet. One more replaces the longest silent connection, if that
   * connection has sent no `hello` and either its address holds more than the newcomer's would, or it has been silent
   * for over a second. Otherwise the new one is answered `busy`. Default 2,000, which take some 70 MiB.
   */
  readonly maxPending: number
  /**
   * The most calls of `authenticate` under way, for hellos and for fresh tokens. A call that nobody waits for any
   * longer counts for one more `helloTimeout`. Further ones queue. If calls take long, the server runs fewer at a time:
   * see `stats().admission`. Default 1,000.
   */
  readonly maxAuthenticating: number
  /**
   * The most bytes of incomplete hellos, over all connections. Beyond it the connections that began first are answered
   * `busy`. Default 16 MiB.
   */
  readonly maxPendingBytes: number
  /**
   * Milliseconds from the opening of a socket to its `hello`, and again from the start of its greeting to its
   * `welcome`. Where many topics are refused before the `welcome`, it is the time from one sign that the client reads
   * to the next. Default 10,000.
   */
  readonly helloTimeout: number
  /**
   * How many milliseconds a `hello` may wait until its greeting starts. One whose turn would come later is answered
   * `busy` at once, with a `retryAfter` that says when there will be room. Default 60,000. For clients that do not say
   * in their `hello` how long they wait it is at most 0.8 of `helloTimeout`: 8,000.
   */
  readonly queueTimeout: number
  /**
   * The largest frame that a client may send, 1 KiB to 15.9 MiB: clients read no frame above 16 Mi characters. A
   * `hello` or a fresh token may be 64 KiB larger, and 96 KiB in any case. Default 256 KiB.
   */
  readonly maxFrame: number
  /**
   * The most fragments of one frame. Default 128; browsers send one. On Bun only their bytes are limited, by
   * `maxFrame`.
   */
  readonly maxFragments: number
  /** The most topics of one leg. One more is refused as `limit`. Default 1,000. */
  readonly maxTopics: number
  /**
   * The most topics that all legs together read. One more is refused as `busy`, and its leg keeps the others. Default
   * 50,000, which take this process some 350 MB.
   */
  readonly maxTopicsRead: number
  /**
   * The most bytes on their way to a leg that it has not read yet, including what the system and the network buffer.
   * Beyond it the leg's messages wait in the log, and it gets them at its own pace. At least one message is always on
   * its way, whatever its size. Default 256 KiB: 2.5 MB a second at a round trip of 100 ms.
   */
  readonly maxBuffered: number
  /**
   * A leg that reads nothing of what waits for it for this many milliseconds is dropped as `too-slow`. Default 20,000.
   */
  readonly stallTimeout: number
  /**
   * Frames a second that are served for one session, over all of its legs on this server. Beyond the rate and the burst
   * a publish or a subscribe is refused as `busy` with `retryAfter`, and a repeated publish waits. A session that keeps
   * sending too much loses its leg. Default 500.
   */
  readonly messagesPerSecond: number
  /** Frames of a session that may come at once: more than its outbox holds. Default 2,000. */
  readonly messageBurst: number
  /** Bytes a second that are served for one session. Default 2 MiB. */
  readonly bytesPerSecond: number
  /** Bytes of a session that may come at once. Default 16 MiB. */
  readonly byteBurst: number
  /**
   * The most publishes, subscribes and tokens of a leg that are not answered yet. Beyond it nothing more is read from
   * the leg. Default 128.
   */
  readonly maxQueued: number
  /** The most bytes of frames that are not answered yet. Beyond it nothing more is read from the leg. Default 1 MiB. */
  readonly maxQueuedBytes: number
  /**
   * Milliseconds that `authorize` and `onPublish` may each take for a publish. After that it is `outcome-unknown`.
   * Default 8,000: less than the 10,000 after which a client takes a leg that does not answer for dead
   * (`outbox.ackTimeout`).
   */
  readonly publishTimeout: number
  /** The most requests of a leg under way at a time. One more is refused as `busy`. Default 100. */
  readonly maxRequests: number
  /**
   * Milliseconds that a handler of `onRequest` may take. Then its signal fires, and the request is `outcome-unknown`.
   * Default 30,000.
   */
  readonly requestTimeout: number
  /** The most topics in which one session may be present. One more is refused as `limit`. Default 100. */
  readonly maxPresences: number
  /**
   * The most characters of JSON that a member may say about itself in a topic, and the most that the server shows of
   * it. Default 4,096.
   */
  readonly maxPresenceData: number
  /**
   * Milliseconds that a member stays listed after its last connection ended: somebody who reloads the page or loses the
   * network for a moment has not left. Default 5,000. The members of a server that dies leave when the log's lease
   * expires, after 15 s.
   */
  readonly presenceGrace: number
  /** Milliseconds that a closing leg waits for the answers to what it published. Default 5,000. */
  readonly answerTimeout: number
  /** Milliseconds from the server's close frame to the end of the connection, answered or not. Default 2,000. */
  readonly closeTimeout: number
  /** Milliseconds of silence beyond the heartbeat after which a leg is dead. Default 10,000. */
  readonly silenceGrace: number
  /**
   * Milliseconds that a leg may live on after its token has ended, because a token service may be down. Default 60,000.
   */
  readonly tokenGrace: number
}

/**
 * The limits with defaults filled in. Throws `invalid` for an unknown limit, or for a value that is not a number within
 * its bounds.
 */
export function serverLimits(given: Partial<ServerLimits> = {}): ServerLimits {
  if (typeof given !== 'object' || given === null) throw invalid(`limits must be an object, not ${shown(given)}`)
  const names = Object.keys(limitBounds) as (keyof ServerLimits)[]
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(limitBounds, name))
      throw invalid(`limits.${name} is not a limit; the limits are ${names.join(', ')}`)
  }
  return Object.fromEntries(
    names.map((name) => [name, numberOf(`limits.${name}`, given[name])]),
  ) as unknown as ServerLimits
}

/** The bytes of a `hello` beside its token. The client sends it before it knows what this server allows. */
const HELLO = 32_768 + 4 * MAX_ID

/**
 * The largest frame that the WebSocket layer takes. It is more than `maxFrame`, because the layer closes without an
 * error frame: a client that is a little over the limit is told which publish was too large.
 */
export function maxPayload(limits: ServerLimits): number {
  return Math.min(Math.max(limits.maxFrame, HELLO) + MAX_TOKEN, 2 ** 31 - 1)
}

/**
 * The fewest bytes on average of the pieces in which a frame may arrive. A network path cuts a frame into segments of
 * 536 bytes at the least, and each segment that waits for the rest of its frame costs some 350 bytes.
 */
export const LEAST_SEGMENT = 128

/**
 * The most pieces in which one frame may arrive. No honest network path exceeds it, so the WebSocket layer closes for
 * it.
 */
export function maxPieces(limits: ServerLimits): number {
  return Math.max(1_024, Math.ceil(maxPayload(limits) / LEAST_SEGMENT))
}

/** What a topic adds to a `hello` beside its name: the quotes and a position. */
const POSITION = MAX_EPOCH + 64
/** The most UTF-8 bytes of one UTF-16 code unit of a topic's name. */
const UTF8 = 3

/** The largest `hello` that a client can need: a token, and every topic that a leg may have. */
export function helloBytes(limits: ServerLimits): number {
  const topics = 4 * MAX_ID + limits.maxTopics * (UTF8 * MAX_TOPIC + POSITION)
  return Math.min(maxPayload(limits), MAX_TOKEN + Math.max(HELLO, topics))
}

/**
 * What may wait in this process for one leg before nothing more is taken from its topics. Each piece costs Node some
 * 350 bytes, whatever its size.
 */
export const MOST_WAITING = { bytes: 64 * 1024, pieces: 256 }
