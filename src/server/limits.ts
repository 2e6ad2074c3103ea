import { MAX_EPOCH, MAX_ID, MAX_TOKEN, MAX_TOPIC } from '../protocol/fields.js'
import { limitBounds, numberOf } from './bounds.js'
import { invalid, shown } from '../base/invalid.js'

/** What one client may cost. Milliseconds and bytes; a part of one is rounded down. */
export interface ServerLimits {
  /** Connections at a time, welcomed or not. One more is answered `busy`. Default 20,000. */
  readonly maxConnections: number
  /**
   * The same of one address. Default 20,000: an office is one address, and so are all clients behind a proxy that
   * `trustedProxies` does not count.
   */
  readonly maxPerAddress: number
  /**
   * Connections at a time that are not welcomed yet. One more takes the place of one that has not said hello, if that
   * is of an address that holds more, or has been silent for over a second; else it is answered `busy`. Default 2,000:
   * some 70 MiB.
   */
  readonly maxPending: number
  /**
   * Calls of `authenticate` under way, for hellos and for fresh tokens, those that nobody waits for any more included
   * for one more `helloTimeout`. One more waits for its turn. Fewer are asked about at a time where that takes long: see
   * `stats().admission`. Default 1,000.
   */
  readonly maxAuthenticating: number
  /**
   * Bytes of hellos that have begun and not ended, of all connections; beyond, the oldest are answered `busy`. Default
   * 16 MiB.
   */
  readonly maxPendingBytes: number
  /**
   * From the opening of a socket to its `hello`, and from when it is greeted to its `welcome`; where it is refused many
   * topics before that, from one sign that it reads to the next. Default 10,000.
   */
  readonly helloTimeout: number
  /**
   * How long a hello may wait until it is greeted. One whose turn would come later is answered `busy` at once, with a
   * `retryAfter` that says when there is room. Default 60,000; 8,000 for clients that do not say how long they wait.
   */
  readonly queueTimeout: number
  /**
   * The largest frame of a client, 1 KiB to 15.9 MiB: clients read no frame above 16 Mi characters. What it says to be
   * here, a `hello` or a fresh token, may have 64 KiB more, and 96 KiB in any case. Default 256 KiB.
   */
  readonly maxFrame: number
  /** Fragments of one frame. Default 128: a browser sends one. On Bun they are bounded by their bytes, `maxFrame`, alone. */
  readonly maxFragments: number
  /** Topics of one leg; one more is refused as `limit`. Default 1,000. */
  readonly maxTopics: number
  /**
   * Topics that all legs together read; one more is refused as `busy`, and its leg has the others. Default 50,000, for
   * which this process takes some 350 MB.
   */
  readonly maxTopicsRead: number
  /**
   * Bytes on their way to a leg that it has not read yet, with the system's and the network's. Beyond, its messages
   * wait in the log, and it gets them at its own pace. At least one message is always on its way, whatever its size.
   * Default 256 KiB: 2.5 MB a second at 100 ms.
   */
  readonly maxBuffered: number
  /** A leg that reads nothing of what waits for it for so long is dropped as `too-slow`. Default 20,000. */
  readonly stallTimeout: number
  /**
   * Frames of one session that are served a second, on all of its legs here. Over it and the burst a publish or a
   * subscribe is refused as `busy` with `retryAfter`, a repeat waits, and a session that goes on all the same loses its
   * leg. Default 500.
   */
  readonly messagesPerSecond: number
  /** Frames of a session that may come at once: more than its outbox holds. Default 2,000. */
  readonly messageBurst: number
  /** Bytes of one session's frames that are served a second. Default 2 MiB. */
  readonly bytesPerSecond: number
  /** Bytes of a session that may come at once. Default 16 MiB. */
  readonly byteBurst: number
  /**
   * Publishes, subscribes and tokens of a leg that are not answered yet; beyond, nothing more is read from it. Default
   * 128.
   */
  readonly maxQueued: number
  /** Bytes of what waits for its turn; beyond, nothing more is read from the leg either. Default 1 MiB. */
  readonly maxQueuedBytes: number
  /**
   * How long `authorize` and `onPublish` may take over a publish, each; then it is `outcome-unknown`. Default 8,000:
   * less than the 10,000 after which a client takes a leg that does not answer for a dead one (`outbox.ackTimeout`).
   */
  readonly publishTimeout: number
  /** Requests of a leg under way at a time; one more is refused as `busy`. Default 100. */
  readonly maxRequests: number
  /** How long a handler of `onRequest` may take; then its signal fires, and it is `outcome-unknown`. Default 30,000. */
  readonly requestTimeout: number
  /** Topics in which one session may be present; one more is refused as `limit`. Default 100. */
  readonly maxPresences: number
  /** Characters of JSON that a member may say of itself in a topic, and that the server shows of it. Default 4,096. */
  readonly maxPresenceData: number
  /**
   * How long a member whose last connection has ended is still one: who reloads the page or loses the network for a
   * moment has not left. Default 5,000. Of a server that dies its members have left when the log's lease is over, 15 s.
   */
  readonly presenceGrace: number
  /** How long a closing leg waits for the answers to what it published. Default 5,000. */
  readonly answerTimeout: number
  /** From our close frame to the end of the connection, answered or not. Default 2,000. */
  readonly closeTimeout: number
  /** Silence beyond the heartbeat after which a leg is dead. Default 10,000. */
  readonly silenceGrace: number
  /** How long a leg may live on beyond its token's end: a token service may be down. Default 60,000. */
  readonly tokenGrace: number
}

/** The limits with defaults in place. Throws `invalid` for one that is unknown or no number of its kind. */
export function serverLimits(given: Partial<ServerLimits> = {}): ServerLimits {
  if (typeof given !== 'object' || given === null) throw invalid(`limits must be an object, not ${shown(given)}`)
  const names = Object.keys(limitBounds) as (keyof ServerLimits)[]
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(limitBounds, name))
      throw invalid(`limits.${name} is no limit; the limits are ${names.join(', ')}`)
  }
  return Object.fromEntries(
    names.map((name) => [name, numberOf(`limits.${name}`, given[name])]),
  ) as unknown as ServerLimits
}

/** Bytes of a `hello` beside its token: it is said before the client knows what this server allows. */
const HELLO = 32_768 + 4 * MAX_ID

/**
 * What the WebSocket layer takes: more than `maxFrame`, because beyond this it closes without a word, and a client that
 * is a little over is to be told which publish it was.
 */
export function maxPayload(limits: ServerLimits): number {
  return Math.min(Math.max(limits.maxFrame, HELLO) + MAX_TOKEN, 2 ** 31 - 1)
}

/**
 * A path cuts a frame into segments, 536 bytes on the narrowest; each that waits for the rest of its frame costs some
 * 350.
 */
export const LEAST_SEGMENT = 128

/** The pieces in which one frame may arrive. What the WebSocket layer closes for is what no honest path does. */
export function maxPieces(limits: ServerLimits): number {
  return Math.max(1_024, Math.ceil(maxPayload(limits) / LEAST_SEGMENT))
}

/** What a topic adds to a hello beside its name: its quotes, and a position. */
const POSITION = MAX_EPOCH + 64
/** A character of a topic's name in UTF-8, at most. */
const UTF8 = 3

/** The largest `hello` that a client can have to say: a token, and every topic that it may have. */
export function helloBytes(limits: ServerLimits): number {
  const topics = 4 * MAX_ID + limits.maxTopics * (UTF8 * MAX_TOPIC + POSITION)
  return Math.min(maxPayload(limits), MAX_TOKEN + Math.max(HELLO, topics))
}

/**
 * What may wait in this process for one leg before no more is taken from its topics. A piece costs Node some 350 bytes,
 * whatever is in it.
 */
export const MOST_WAITING = { bytes: 64 * 1024, pieces: 256 }
