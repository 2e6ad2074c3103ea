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

/** The options of `createLiveServer`. Only `authenticate` and one of `port`, `server` and `noServer` are required. */
export interface LiveServerOptions<
  User = unknown,
  Topics extends object = Record<string, unknown>,
  Methods extends object = MethodTypes,
> {
  /**
   * Your HTTP server. The live server takes the WebSockets of its `path` there, and leaves all other requests alone.
   * Create the live server before you listen. Give one of this, `port` and `noServer`.
   */
  readonly server?: HttpServer | HttpsServer
  /**
   * True if your own `upgrade` listener passes on the requests that this server is to serve: see `LiveServer.upgrade`.
   */
  readonly noServer?: boolean
  /** A port to listen on, with an HTTP server of its own that also answers `GET /healthz`. 0 takes a free port. */
  readonly port?: number
  /** The address to bind with `port`. Default: all. */
  readonly host?: string
  /** The path of the WebSocket, compared exactly and without the query. Default `/`. */
  readonly path?: string
  /**
   * Called for each `hello` and each fresh token. Answer the user, or a falsy value if the token is not valid: the
   * client is told `unauthorized`, and is signed out if its fresh token is refused as well. Throw if it cannot be
   * decided, for example because the identity service is away. A client that dials is then told `busy` and comes back
   * with the same token; a live leg stays, and the question is repeated. The same happens if there is no answer within
   * `limits.helloTimeout`, or one of a wrong type. `signal` fires at that time, and when the leg has gone. At most
   * `limits.maxAuthenticating` calls are under way.
   */
  readonly authenticate: Authenticate<User>
  /**
   * Whether the user may subscribe to the topic, publish into it, or send signals to it: see `action`. Anything but
   * true means no. Throw `Refused` to refuse with a reason and a message of your own, which the client gets; `data`
   * reaches it only for publishes and signals. Any other error means that it cannot be decided now, and so does an
   * answer that takes longer than `limits.publishTimeout`, or, for anything but a publish, longer than half of
   * `limits.helloTimeout`. For signals it is called once for each leg and topic, and again after a fresh token.
   * Default: clients may subscribe to everything, and may neither publish nor signal.
   */
  readonly authorize?: Authorize<User>
  /**
   * Which messages a user may see. It must give the same answer on every server and at any time. If it throws, the
   * message is hidden. Default: all messages.
   */
  readonly filter?: Filter<User>
  /**
   * Called before a publish is applied, once for each publish id as far as the log can tell. It decides what to answer
   * and what to store. Throw `PublishRefused` to refuse the publish. A client's publishes into one topic are passed to
   * it one at a time, in order; publishes into different topics run concurrently. It may take `limits.publishTimeout`.
   * Then `signal` fires, and the client is told `outcome-unknown`.
   */
  readonly onPublish?: OnPublish<User, Topics>
  /**
   * A synchronous Standard Schema for each topic. If a client's publish does not fit, it is refused as `invalid` before
   * `onPublish` is called, with the path of the mistake. If it fits, it is stored as it came: receivers run the schema
   * on it themselves.
   */
  readonly schemas?: { readonly [Topic in keyof Topics]?: StandardSchemaV1 }
  /**
   * Whether receivers of a message or a signal are told who sent it, as its `by`. True sends the user's `subject`; a
   * function returns what to send, which must be JSON. Default: `by` is absent.
   */
  readonly tellPublisher?: boolean | ((user: User) => unknown)
  /**
   * Handlers for clients' `request`s, by method. What a handler returns is the answer, for that client alone. Throw
   * `RequestRefused` to refuse. Requests run concurrently, in no order; each may take `limits.requestTimeout`. During a
   * handover a request stays with the server that has it. A client may be told `outcome-unknown`. The same request
   * arrives twice only if the client calls it idempotent.
   */
  readonly onRequest?: OnRequest<User, Methods>
  /**
   * Standard Schemas for each method: `input` is checked before the handler is called, `output` before its answer is
   * sent.
   */
  readonly methods?: { readonly [Method in keyof Methods]?: MethodSchema }
  /**
   * Called with `joined` at a session's first leg and with `left` at its last, on whichever servers those are. A server
   * that dies reports nothing. Another server that shares the log reports the end of its sessions some 20 s later,
   * unless they have come back by then.
   */
  readonly onSession?: OnSession<User>
  /**
   * Who is shown as present. Called whenever a client enters a topic, or changes what it says about itself there. True:
   * others see the user's `subject`. `{ show }`: they see that value, which must be JSON of at most
   * `limits.maxPresenceData` characters. False: the client is refused as `forbidden`. Everyone who may subscribe to a
   * topic may see who is present in it. Default: there is no presence.
   */
  readonly presence?: PresenceOption<User>
  /**
   * Called for each leg and each drain, for a structured log: see `ServerEvent`. Names that clients chose are in it
   * unescaped: write them as JSON.
   */
  readonly onEvent?: (event: ServerEvent) => void
  /**
   * A `Registry` of `prom-client` that gets this server's metrics, the same as `metricsEndpoint` has, until the server
   * is closed. Each server of a process needs a registry of its own, because the metric names are the same. Default:
   * none.
   */
  readonly registry?: MetricsRegistry
  /** Where spans of publishes, requests and handovers go: see `livesocket/server/opentelemetry`. Default: nowhere. */
  readonly tracing?: Tracing
  /**
   * Called with what your functions threw, with failures of the log, and with other things that you should know. None
   * of it reaches a client. In `doing`, names that clients chose are quoted and escaped; an error's message may contain
   * their words unescaped. Default: one escaped line on `console.error` for each kind of error, and then how often it
   * happened.
   */
  readonly onError?: OnError
  /** Where topics are kept. Servers that share a log act as one service. Default: a `memoryLog()` of its own. */
  readonly log?: TopicLog
  /**
   * Origins of pages that may connect, exactly as browsers send them (`https://example.com`, `capacitor://localhost`),
   * or `'*'`. Default: only pages of the host that the request was sent to. Requests without an Origin do not come from
   * pages, and are allowed.
   */
  readonly allowedOrigins?: readonly string[] | '*'
  /**
   * How many proxies in front of this server append to `X-Forwarded-For`. A client's address, which is used only for
   * limits and events, is the entry at that place from the right. Default 0: the field is ignored, because without a
   * proxy anybody can write it, and all clients behind a proxy count as one address.
   */
  readonly trustedProxies?: number
  /** What clients may cost. An absent limit has its default. */
  readonly limits?: Partial<ServerLimits>
  /** The name of this server process in `welcome`. Default: random. Two servers must never share one. */
  readonly id?: string
  /** Milliseconds of silence that either side allows itself. Default 10,000. */
  readonly heartbeat?: number
  /**
   * Milliseconds over which clients spread their reconnections if this server vanishes. Or `{ rate }`: how many
   * connections a second the other servers can take, from which the window is computed as legs come and go. Default:
   * wide enough for the highest number of legs that this server has welcomed in one second, plus at most a fifth to
   * allow for chance, and never above 30 s.
   */
  readonly reconnectSpread?: ReconnectSpread
  /** For tests. Default: the system's clock. */
  readonly clock?: Clock
}
