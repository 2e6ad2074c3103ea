import type { Server as HttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Clock } from '../base/clock.js'
import type { Authenticate } from './identity/authenticator.js'
import type { Authorize } from './identity/permission.js'
import type { Filter } from './filter.js'
import type { OnSession } from './session-event.js'
import type { ServerLimits } from './limits.js'
import type { TopicLog } from './log/topic-log.js'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { MethodSchema, MethodTypes } from '../protocol/method-types.js'
import type { PresenceOption } from './presence/shown-user.js'
import type { OnRequest } from './request.js'
import type { OnPublish } from './publishes/publisher.js'
import type { OnError } from './reporter.js'
import type { ReconnectSpread } from './reconnect-spread.js'
import type { ServerEvent } from './server-event.js'
import type { MetricsRegistry } from './metrics-registry.js'
import type { Tracing } from './tracing.js'

/** What `createLiveServer` takes. Only `authenticate` and one of `port`, `server` and `noServer` are needed. */
export interface LiveServerOptions<
  User = unknown,
  Topics extends object = Record<string, unknown>,
  Methods extends object = MethodTypes,
> {
  /**
   * An HTTP server of yours to live on, beside whatever else it serves: it takes the WebSockets of its `path` and
   * leaves everything else alone. Mount it before you listen. One of this, `port` and `noServer`.
   */
  readonly server?: HttpServer | HttpsServer
  /** True where your own `upgrade` listener gives it what it is to serve: see `upgrade`. */
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
  readonly authenticate: Authenticate<User>
  /**
   * Whether that user may subscribe to the topic, publish into it, or send signals to it (`action`). Anything but true
   * is a no; throw `Refused` for one with a reason and a message of your own, which the client is told (`data` only of
   * publishes and signals). Any other throw means that it cannot be told now, and so does no answer in time: `limits.publishTimeout` over a
   * publish, half of `limits.helloTimeout` over anything else. Of signals it is asked once for each leg and topic, and
   * again with a fresh token. Default: clients may subscribe to everything, and may neither publish nor signal.
   */
  readonly authorize?: Authorize<User>
  /**
   * What a user may see. It must answer the same on every server and at every time. One that throws hides the message.
   * Default: everything.
   */
  readonly filter?: Filter<User>
  /**
   * Asked before a publish is applied, once for each id as far as the log can tell: what to answer and what to store.
   * Throw `PublishRefused` to refuse it. A client's publishes into one topic are asked of one at a time, in order, and
   * those into other topics beside them. It may take `limits.publishTimeout`; then the signal fires, and the client is
   * told `outcome-unknown`.
   */
  readonly onPublish?: OnPublish<User, Topics>
  /**
   * A Standard Schema per topic, synchronous: what a client publishes and does not fit is refused as `invalid` before
   * `onPublish` is asked, with the path. What fits is stored as it came: who receives it runs the schema on it.
   */
  readonly schemas?: { readonly [Topic in keyof Topics]?: StandardSchemaV1 }
  /**
   * Whether those who get a message or a signal are told who sent it, as its `by`: true is the user's `subject`, a
   * function gives what to tell of the user, of what JSON can say. Default: it is not told.
   */
  readonly tellPublisher?: boolean | ((user: User) => unknown)
  /**
   * What clients ask with `request`, by method: what the function gives is the answer, for that client alone. Throw
   * `RequestRefused` to refuse. Requests wait for nothing and for nobody; each may take `limits.requestTimeout`. Across
   * a handover they stay with the server that has them. A client may be told `outcome-unknown`, and only where it calls
   * a request idempotent does the same arrive twice.
   */
  readonly onRequest?: OnRequest<User, Methods>
  /** Standard Schemas of methods: `input` before the handler is asked, `output` before its answer is sent. */
  readonly methods?: { readonly [Method in keyof Methods]?: MethodSchema }
  /**
   * Presence: `joined` with a session's first leg, `left` with its last, on whichever server those are. A server that
   * dies says nothing: another one that shares the log tells of its sessions' end, some 20 s later, for those that have
   * not come back by then.
   */
  readonly onSession?: OnSession<User>
  /**
   * Who may be seen where: asked whenever a client enters a topic or changes what it says of itself there. True: others
   * see the user's `subject`. `{ show }`: they see that, of what JSON can say, in at most `limits.maxPresenceData`
   * characters. False: it is refused as `forbidden`. Whoever may subscribe to a topic may see who is present in it.
   * Default: there is no presence.
   */
  readonly presence?: PresenceOption<User>
  /**
   * Each leg and each drain, for a structured log: see `ServerEvent`. Names of clients are in it as they came: write
   * them as JSON.
   */
  readonly onEvent?: (event: ServerEvent) => void
  /**
   * A `Registry` of `prom-client` to put the metrics of this server into, as `metricsEndpoint` has them, until it is
   * closed. Each server of a process needs one of its own, since their names are the same. Default: none.
   */
  readonly registry?: MetricsRegistry
  /** Where spans of publishes, requests and handovers go: see `livesocket/server/opentelemetry`. Default: nowhere. */
  readonly tracing?: Tracing
  /**
   * What your functions threw, where the log failed, and what you should know of. Nothing of it reaches a client. In
   * `doing` the names that clients gave are quoted and escaped; what an error says may hold their words as they came.
   * Default: a line on `console.error` for each kind, escaped, and then how often.
   */
  readonly onError?: OnError
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
  /** What clients may cost; what is absent has its default. */
  readonly limits?: Partial<ServerLimits>
  /** Names this server process in `welcome`. Default: random. Two servers must never share one. */
  readonly id?: string
  /** Milliseconds of silence that either side allows itself. Default 10,000. */
  readonly heartbeat?: number
  /**
   * Milliseconds over which clients spread their reconnections should this server vanish; or `{ rate }`, how many
   * connections a second the others can take, from which it is worked out as legs come and go. Default: as wide as
   * it takes at the most that this server ever welcomed in one second, a fifth more at the most, and never above 30 s.
   */
  readonly reconnectSpread?: ReconnectSpread
  /** For tests. Default: the system’s. */
  readonly clock?: Clock
}
