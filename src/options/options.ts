import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Clock, Random } from '../base/clock.js'
import type { Network } from '../host/network.js'
import type { Page } from '../host/page.js'
import type { Tabs } from '../host/tabs.js'
import type { MethodSchemas } from '../protocol/method-types.js'
import type { Protocol } from '../protocol/protocol.js'
import type { GetToken } from '../tokens/token-part.js'

/** The data types of an application's topics, by name: `createLiveSocket<{ prices: Price }>(…)`. */
export type TopicTypes = Record<string, unknown>

/** The argument of a `url` function. */
export interface UrlAsk {
  /** How many dials have failed since a leg last lived for 30 s, or within this handover: 0 at first. */
  readonly attempt: number
  /**
   * `first`: no leg has been live since `connect()`. `handover`: the dial is for the successor of a serving leg.
   * `reconnect`: no leg serves any more.
   */
  readonly reason: 'first' | 'handover' | 'reconnect'
  /**
   * The URL, without its query, of the last failed dial, or of the leg that has fallen silent; null after a success.
   * Over HTTP/2 a browser's sockets to one host and port share one connection, and die together: return another host
   * name or port.
   */
  readonly failed: string | null
  /** Fires when the answer is no longer wanted. */
  readonly signal: AbortSignal
}

/** A wish of a server, or of the client itself, to leave this leg. */
export interface HandoverRequest {
  readonly id: string
  /** The reason that the server gave, or `application`, `silence`, `network`, `token`, `age`, `unanswered`. */
  readonly reason: string
  /** Milliseconds until the leg may be closed. */
  readonly deadline: number
}

/** The options of `createLiveSocket`. Only `url` is required. Durations are milliseconds. */
export interface LiveSocketOptions<Topics extends object = TopicTypes> {
  /**
   * Where to connect. A function is called for every dial whose address no server has named, and receives the reason.
   * Never put a token in the URL: URLs end up in logs.
   */
  url: string | URL | ((ask: UrlAsk) => string | URL | Promise<string | URL>)
  /**
   * Identifies service and login: hooks with one key share a socket, and the tabs and workers of a browser share a
   * token and a sign-out. Default: the whole URL, if it is a string or a URL. If `url` is a function, the service is
   * not known for certain, and nothing is shared.
   */
  key?: string
  /**
   * Fetches a short-lived token. Called on its own jittered schedule, never because a socket reconnected. If it throws,
   * the failure counts as temporary.
   */
  getToken?: GetToken
  /**
   * When to fetch the next token, as fractions of the lifetime (default 0.5 to 0.9 of 10 minutes: 5 to 9 minutes), and
   * how long one call may take, ms (default 10,000; 1,000 to 300,000). A call that takes longer counts as failed and is
   * repeated with backoff; a late answer is still used.
   */
  tokenRefresh?: { from?: number; to?: number; lifetime?: number; timeout?: number }
  /** How to talk to the server. Default `livesocketV1()`. */
  protocol?: Protocol
  /**
   * A Standard Schema per topic, of any library, synchronous: checks every message and publish, and types them. Data
   * that does not fit becomes an `invalid` event or error.
   */
  schemas?: { readonly [Topic in keyof Topics]?: StandardSchemaV1<unknown, Topics[Topic]> }
  /**
   * Standard Schemas of the server's methods, synchronous ones: `input` checks the data of a request, `output` its
   * answer, and both type `request`.
   */
  methods?: MethodSchemas
  /** How to hand over to another server. */
  handover?: {
    /**
     * Origins besides the configured one to which a server may redirect, in the form of `new URL(url).origin`. Default
     * none.
     */
    redirectOrigins?: string[]
    /** The longest time during which both legs live, ms. Default 30,000. */
    overlapLimit?: number
    /**
     * The shortest time on a new leg before the next handover, ms, so that two servers cannot send a client back and
     * forth. Default 1,000.
     */
    dwell?: number
    /**
     * Age at which the platform cuts connections, ms: 3,600,000 for Cloud Run, 7,200,000 for API Gateway. Each leg
     * hands over well before, at an age of its own: a random 80 to 100 % of this limit less 90 s, or of half the limit
     * if it is below 3 min. Default: never.
     */
    maxAge?: number
    /**
     * Resolves at a moment that suits the application; called when a handover that can wait is about to dial. The
     * deadline does not wait for it: the last quarter of the time, and at least 2 s, are reserved for the dial. A
     * handover away from a failing leg is not delayed, nor is one that the application itself requested.
     */
    when?: (request: HandoverRequest) => Promise<void>
  }
  /** How reconnections are spread when no leg serves any more. */
  reconnect?: {
    /**
     * Milliseconds over which reconnections are spread when a server vanishes. Default: what the server said, else
     * 30,000, or 5,000 if the protocol is not livesocket.v1, where such a crowd is that of a single server.
     */
    spread?: number
    /** How far the spread grows with repeated failures, ms. Default 120,000. */
    cap?: number
  }
  /**
   * After how much silence a ping is sent, and how long the answer may take, ms. Default 10,000 and 5,000. `false`:
   * never suspect a leg because of its silence.
   */
  heartbeat?: { interval?: number; timeout?: number } | false
  /** The time limit from the dial to the welcome, ms. Default 10,000. */
  connectTimeout?: number
  /**
   * How much may wait to be sent or answered (default 1,000 publishes, 1 MiB), and how long a publish may be unanswered
   * until its leg is suspect (default 10,000 ms).
   */
  outbox?: { maxMessages?: number; maxBytes?: number; ackTimeout?: number }
  /**
   * How much may be held while an earlier message is missing (default 1,000 messages, 1 MiB), and how long to wait for
   * the old leg to bring that message (default 250 ms).
   */
  holding?: { maxMessages?: number; maxBytes?: number; gapTimeout?: number }
  /** Decides what a close means. Called for every code; `undefined` leaves the decision to the protocol's table. */
  onClose?: (close: { code: number; reason: string }) => 'retry' | 'stop' | undefined
  /**
   * Writes a line for each event, to the console or to your function, never with a token or with data. Default: no
   * lines. Exactly `false` also keeps development builds from warning about what keeps the socket from being live.
   */
  debug?: boolean | ((line: string) => void)
  /** Every dependency on the platform, replaceable: for tests, stories, and runtimes without a global WebSocket. */
  environment?: Environment
}

/** Everything of the platform that a live socket uses; the default of each is the platform’s own. */
export interface Environment {
  WebSocket?: unknown
  clock?: Clock
  random?: Random
  network?: Network
  page?: Page
  tabs?: Tabs
}
