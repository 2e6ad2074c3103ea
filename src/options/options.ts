import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Clock, Random } from '../base/clock.js'
import type { Network } from '../host/network.js'
import type { Page } from '../host/page.js'
import type { Tabs } from '../host/tabs.js'
import type { MethodSchemas } from '../protocol/method-types.js'
import type { Protocol } from '../protocol/protocol.js'
import type { GetToken } from '../tokens/token-part.js'

/** What the topics of an application bear, by name: `createLiveSocket<{ prices: Price }>(…)`. */
export type TopicTypes = Record<string, unknown>

/** Why a `url` function is asked. */
export interface UrlAsk {
  /** Dials that came to nothing since a leg last lived for 30 s, or within this handover: 0 at first. */
  readonly attempt: number
  /**
   * `first`: nothing has been live since `connect()`. `handover`: beside a leg that serves. `reconnect`: nothing serves
   * any more.
   */
  readonly reason: 'first' | 'handover' | 'reconnect'
  /**
   * Where the last dial went in vain, without its query, or where the leg is that has fallen silent; null after a
   * success. Over HTTP/2 a browser's sockets to one host and port are one connection, which dies as one: answer with
   * another host name or port.
   */
  readonly failed: string | null
  /** Fires when the answer is no longer wanted. */
  readonly signal: AbortSignal
}

/** What a server or the client itself wants: leave this leg. */
export interface HandoverRequest {
  readonly id: string
  /** The server's word, or `application`, `silence`, `network`, `token`, `age`, `unanswered`. */
  readonly reason: string
  /** Milliseconds until the leg may be closed. */
  readonly deadline: number
}

/** What `createLiveSocket` takes. Only `url` is needed. Durations are milliseconds. */
export interface LiveSocketOptions<Topics extends object = TopicTypes> {
  /**
   * Where to connect. A function is asked at every dial that no server has named the place of, and told why.
   * Never put a token in it: URLs end up in logs.
   */
  url: string | URL | ((ask: UrlAsk) => string | URL | Promise<string | URL>)
  /**
   * Names service and login: hooks with one key share a socket, and the tabs and workers of a browser share a token and
   * a sign-out. Default: the whole URL, where it is given as a text or a URL. Where `url` is a function nothing is
   * certain, and nothing is shared.
   */
  key?: string
  /**
   * Fetches a short-lived token. Called on a jittered schedule of its own, never because a socket reconnected. A throw
   * is transient.
   */
  getToken?: GetToken
  /**
   * When to fetch the next token, as fractions of the lifetime (default 0.5 to 0.9 of 10 minutes: 5 to 9 minutes), and
   * how long one call may take, ms (default 10,000; 1,000 to 300,000): then it is repeated, at the pace of a failure,
   * and a late answer is used all the same.
   */
  tokenRefresh?: { from?: number; to?: number; lifetime?: number; timeout?: number }
  /** How the server is spoken to. Default `livesocketV1()`. */
  protocol?: Protocol
  /**
   * A Standard Schema per topic, of any library, synchronous: checks every message and publish, and types them. What
   * does not fit is an `invalid` event or error.
   */
  schemas?: { readonly [Topic in keyof Topics]?: StandardSchemaV1<unknown, Topics[Topic]> }
  /**
   * Standard Schemas of the server's methods, synchronous ones: `input` checks what is asked, `output` the answer, and
   * both type `request`.
   */
  methods?: MethodSchemas
  /** How handovers to another server are made. */
  handover?: {
    /**
     * Origins besides the configured one to which a server may redirect, as `new URL(url).origin` gives them. Default
     * none.
     */
    redirectOrigins?: string[]
    /** The longest time for which both legs live, ms. Default 30,000. */
    overlapLimit?: number
    /**
     * The shortest time on a new leg before the next handover, ms, so that two servers cannot play ping-pong. Default
     * 1,000.
     */
    dwell?: number
    /**
     * Age at which a platform cuts connections, ms: 3,600,000 for Cloud Run, 7,200,000 for API Gateway. Each leg hands
     * over well before, at an age of its own: a random 80 to 100 % of the limit less 90 s, or of half a limit below 3
     * min. Default: never.
     */
    maxAge?: number
    /**
     * Resolves at a moment that suits the application: asked when a handover that can wait is about to dial. The
     * deadline does not wait for it: the last quarter of it, and at least 2 s, are the dial's. A handover away from a
     * leg that fails is not put off, nor is one that the application itself asked for.
     */
    when?: (request: HandoverRequest) => Promise<void>
  }
  /** How the return is spread when nothing serves any more. */
  reconnect?: {
    /**
     * Milliseconds over which reconnections are spread when a server vanishes. Default: what the server said, else
     * 30,000, or 5,000 where the protocol is not livesocket.v1: such a crowd is one server's.
     */
    spread?: number
    /** How far the spread grows with repeated failures, ms. Default 120,000. */
    cap?: number
  }
  /**
   * Silence that is asked about, and how long the answer may take, ms. Default 10,000 and 5,000. `false`: never suspect
   * a leg.
   */
  heartbeat?: { interval?: number; timeout?: number } | false
  /** From the dial to the welcome, ms. Default 10,000. */
  connectTimeout?: number
  /**
   * What may wait for its answer (default 1,000 publishes, 1 MiB), and after what silence the leg is suspect (default
   * 10,000 ms).
   */
  outbox?: { maxMessages?: number; maxBytes?: number; ackTimeout?: number }
  /**
   * What may be held while an earlier message is missing (default 1,000, 1 MiB), and for how long the old leg may bring
   * it (default 250 ms).
   */
  holding?: { maxMessages?: number; maxBytes?: number; gapTimeout?: number }
  /** Decides what a close means. Asked for every code; `undefined` leaves it to the protocol's table. */
  onClose?: (close: { code: number; reason: string }) => 'retry' | 'stop' | undefined
  /**
   * A line on the console for each event, or to your function: never with a token or with data. Default: none. Exactly
   * `false` also keeps development builds from warning of what keeps the socket from being live.
   */
  debug?: boolean | ((line: string) => void)
  /** Every outside thing, replaceable: for tests, stories, and runtimes without a global WebSocket. */
  environment?: Environment
}

/** Every outside thing that a live socket touches; what is absent is the platform’s own. */
export interface Environment {
  WebSocket?: unknown
  clock?: Clock
  random?: Random
  network?: Network
  page?: Page
  tabs?: Tabs
}
