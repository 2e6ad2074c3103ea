import type { IncomingMessage, Server as HttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Clock } from '../base/clock.js'
import type { ServerLimits } from './limits.js'
import type { ServerEvent } from './server-event.js'
import type { TopicLog } from './log/topic-log.js'

export type MaybePromise<Value> = Value | Promise<Value>

/** Who a leg belongs to: whatever `authenticate` answered. The fields below are the only ones that the server reads. */
export interface UserFields {
  /**
   * The identity, 1 to 1,024 characters. A session, and a leg that gets a fresh token, never changes it. Without one
   * whoever learns a session's id can take it over; `onError` is told so, once.
   */
  readonly subject?: string
  /**
   * Milliseconds that the token has left, at most 400 days. The client is told, and a leg past it, plus
   * `limits.tokenGrace`, is closed. Absent: it does not end.
   */
  readonly tokenTtl?: number
}

export interface LiveServerOptions<User = unknown> {
  /**
   * An HTTP server of yours to live on, beside whatever else it serves: it takes the WebSockets of its `path` and
   * leaves everything else alone. Mount it before you listen. One of this, `port` and `noServer`.
   */
  readonly server?: HttpServer | HttpsServer
  /** True where your own `upgrade` listener gives it what it shall serve: see `upgrade`. */
  readonly noServer?: boolean
  /** A port to listen on with an HTTP server of its own, which also answers `GET /healthz`. 0 takes a free one. */
  readonly port?: number
  /** The address to bind with `port`. Default: all. */
  readonly host?: string
  /** The path of the WebSocket, compared exactly and without the query. Default `/`. */
  readonly path?: string
  /**
   * Asked at each `hello` and each fresh token. Truthy: who it is. Falsy: `unauthorized`, and a client whose fresh
   * token is refused as well is signed out. Throw where it cannot be told, as when the identity service is away: a
   * client that dials is told `busy` and comes back with the same token, and a live leg lives on while it is asked
   * again. So it is where there is no answer within `limits.helloTimeout`, or one of a wrong type. The signal fires at
   * that time, and when the leg goes away. At most `limits.maxAuthenticating` calls are under way.
   */
  readonly authenticate: (ask: Authentication) => MaybePromise<User | null | undefined | false>
  /**
   * Whether that user may subscribe to the topic or publish into it. Anything but true is a no. A throw means that it
   * cannot be told now. Default: clients may subscribe to everything, and may not publish.
   */
  readonly authorize?: (ask: Authorization<User>) => MaybePromise<boolean>
  /**
   * What a user may see. It must answer the same on every server and at every time. One that throws hides the message.
   * Default: everything.
   */
  readonly filter?: (ask: Visibility<User>) => boolean
  /**
   * Asked before a publish is applied, once for each id as far as the log can tell: what to answer and what to store.
   * Throw `PublishRefused` to refuse it. A client's publishes into one topic are asked of one at a time, in order, and
   * those into other topics beside them. It may take `limits.publishTimeout`; then the signal fires, and the client is
   * told `outcome-unknown`.
   */
  readonly onPublish?: (
    ask: Publication<User>,
  ) => MaybePromise<void | { readonly answer?: unknown; readonly data?: unknown }>
  /**
   * Presence: `joined` with a session's first leg, `left` with its last, on whichever server those are. A server that
   * dies says nothing: another one that shares the log tells of its sessions' end, some 20 s later, for those that have
   * not come back by then.
   */
  readonly onSession?: (event: SessionEvent<User>) => void
  /**
   * Each leg and each drain, for a structured log: see `ServerEvent`. Names of clients are in it as they came: write
   * them as JSON.
   */
  readonly onEvent?: (event: ServerEvent) => void
  /**
   * What your functions threw, where the log failed, and what you should know of. Nothing of it reaches a client. In
   * `doing` the names that clients gave are quoted and escaped; what an error says may hold their words as they came.
   * Default: a line on `console.error` for each kind, escaped, and then how often.
   */
  readonly onError?: (error: unknown, doing: string) => void
  /** Where topics live. Servers that share one are one service. Default: a `memoryLog()` of its own. */
  readonly log?: TopicLog
  /**
   * Origins of pages that may connect, exactly as browsers send them (`https://example.com`, `capacitor://localhost`),
   * or `'*'`. Default: only pages of the host that the request was sent to. Requests without an Origin do not come from
   * pages, and pass.
   */
  readonly allowedOrigins?: readonly string[] | '*'
  /**
   * How many proxies in front of this server append to `X-Forwarded-For`: a client's address, which only bounds go by,
   * is that many entries from the right. Default 0: the field is not believed, because without a proxy anybody can
   * write it, and all clients behind a proxy count as one address.
   */
  readonly trustedProxies?: number
  readonly limits?: Partial<ServerLimits>
  /** Names this server process in `welcome`. Default: random. Two servers must never share one. */
  readonly id?: string
  /** Milliseconds of silence that either side allows itself. Default 10,000. */
  readonly heartbeat?: number
  /**
   * Milliseconds over which clients spread their reconnections should this server vanish; or `{ rate }`, how many
   * connections a second the others can take, from which it is worked out as legs come and go. Default: not said, and
   * clients take 30 s.
   */
  readonly reconnectSpread?: number | { readonly rate: number }
  readonly clock?: Clock
}

export interface Authentication {
  readonly token?: string
  readonly session: string
  readonly request: IncomingMessage
  readonly signal: AbortSignal
}

export interface Authorization<User> {
  readonly action: 'subscribe' | 'publish'
  readonly topic: string
  readonly user: User
  readonly session: string
  /** Of a publish: what is to be published. */
  readonly data?: unknown
}

export interface Visibility<User> {
  readonly topic: string
  readonly data: unknown
  readonly offset: number
  readonly user: User
  readonly session: string
}

export interface Publication<User> {
  readonly topic: string
  readonly data: unknown
  readonly id: string
  readonly session: string
  readonly user: User
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

export type SessionEvent<User> =
  | { readonly type: 'joined' | 'left'; readonly session: string; readonly user: User }
  /** Of a session whose server died. Who it was only that server knew; `subject` is what `authenticate` had said. */
  | { readonly type: 'left'; readonly session: string; readonly user?: undefined; readonly subject?: string }

/**
 * Thrown by `onPublish`: the client gets a `nack` with that code (1 to 128 characters) and message (at most 4,096).
 * With `retryAfter`, in milliseconds and at most an hour, the refusal is not final: the application may try anew. What
 * is out of these bounds is cut to them or left out, and `onError` is told.
 */
export class PublishRefused extends Error {
  override readonly name = 'PublishRefused'
  readonly code: string
  readonly retryAfter?: number

  constructor(code: string, message: string, retryAfter?: number) {
    super(message)
    this.code = code
    if (retryAfter !== undefined) this.retryAfter = retryAfter
  }
}
