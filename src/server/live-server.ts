import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { MAX_TOPIC, MAX_WORDS } from '../protocol/fields.js'
import type { Member } from '../protocol/members.js'
import type { Position } from '../protocol/frames.js'
import type { MethodTypes } from '../protocol/method-types.js'
import { numberOf, textOf } from './bounds.js'
import { checkedOptions } from './checked-options.js'
import { invalid } from '../base/invalid.js'
import { leaveToOtherWorkers } from './drain/cluster-worker.js'
import { createDrainEndpoint } from './drain/drain-endpoint.js'
import { onSignal } from './drain/drain-signal.js'
import type { DrainOptions, DrainResult } from './drain/drain-options.js'
import { releaseAt, watchReplaced, type ReplacedOptions } from './drain/replaced-watch.js'
import { DRAINING } from './failure.js'
import {
  pickOf,
  type Mint,
  type OfferedToken,
  type RenewOptions,
  type SessionMatch,
  type SessionPick,
} from './identity/token-renewal.js'
import { sweepLegs } from './legs/leg-sweep.js'
import { atOnce, type MaybePromise } from './maybe-promise.js'
import type { Metric } from './metric.js'
import { createMetricsEndpoint, serverMetrics } from './metrics.js'
import { registerMetrics } from './metrics-registry.js'
import type { LiveServerOptions } from './options.js'
import { healthListener, plainListener } from './plain-http.js'
import type { RequestListener } from './request-listener.js'
import { createServerParts } from './server-parts.js'
import type { ServerStats } from './stats.js'
import { watchRequests, type WatchedHttp } from './drain/http-requests.js'
import { serveHttp, type ServedHttp } from './upgrade/served-http.js'

/** One server process. Servers that share a log act as one service. */
export interface LiveServer<User = unknown, Topics extends object = Record<string, unknown>> {
  /**
   * Resolves when the server listens; with `noServer` at once. Rejects if it cannot listen, and with `closed` if it was
   * closed before the HTTP server that it is mounted on listened.
   */
  readonly ready: Promise<void>
  /** Its WebSocket URL on this machine, such as `ws://127.0.0.1:8080/`. Throws `invalid` before it listens. */
  address(): string
  /**
   * With `noServer`: call this from your own `upgrade` listener. Returns true if the request was for this server's path
   * and for a WebSocket. It is then answered, even if only with a refusal. Returns false for any other request: nothing
   * was done, and you have to answer it or end the stream.
   */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): boolean
  /**
   * Ends the sessions that match, for example because their user has signed out elsewhere. Their legs get
   * `session-ended`, and their clients stay disconnected until somebody signs in again. `{ subject }` and `{ session }`
   * reach every server of the log; a function is called for this server's sessions only. Resolves with the number of
   * sessions ended on this server. Rejects with `invalid`, and then ends no session, for example if the reason is
   * longer than the 4,096 characters that clients read. Rejects with `refused` if the other servers could not be
   * notified: call it again.
   */
  end(match: SessionMatch<User>, reason?: string): Promise<number>
  /**
   * Asks the sessions that match for a fresh token, for example because a signing key is about to change or rights have
   * changed. From this call on their tokens count as ending in `within` milliseconds. Their clients fetch new tokens,
   * each at a random moment within that time, and send them on the legs that they have. A leg that still has the old
   * token `limits.tokenGrace` after that time is closed as `unauthorized`. Legs without a token, and legs whose token
   * ends sooner anyway, are left alone. A match reaches the same sessions as with `end`. Whether a `hello` with an old
   * token is accepted is up to `authenticate`. Resolves with the number of sessions asked on this server; rejects as
   * `end` does.
   */
  renewTokens(match: SessionMatch<User>, options?: RenewOptions): Promise<number>
  /**
   * Gives each session that matches a fresh token, which `mint` signs for it, one after the other. A session for which
   * `mint` answers null gets none. The token replaces the client's next call of its token service, and reaches
   * `authenticate` like any other. Resolves with the number of sessions that got one. What `mint` throws goes to
   * `onError`, and so does a call that takes longer than `limits.helloTimeout`.
   */
  offerTokens(match: SessionPick<User>, mint: Mint<User>): Promise<number>
  /**
   * Gives all sessions of a subject, or one session, the one token that `mint` signs, on every server of the log. The
   * token passes through the log, which keeps it for a minute. Resolves with the number of sessions on this server.
   * Rejects as `end` does, and with what `mint` throws.
   */
  offerTokens(
    match: { readonly subject: string } | { readonly session: string },
    mint: () => MaybePromise<OfferedToken>,
  ): Promise<number>
  /** Publishes as the server itself. Rejects with `invalid` or `too-large`, or with the log's error. */
  publish<Topic extends keyof Topics & string>(topic: Topic, data: Topics[Topic]): Promise<Position>
  /**
   * Sends a signal to everyone who has the topic subscribed at this moment, on all servers of the log. A signal is not
   * stored, numbered or acknowledged, and `filter` is not asked. A leg that does not keep up does not get it. Throws
   * `invalid` or `too-large`.
   */
  signal<Topic extends keyof Topics & string>(topic: Topic, data: unknown): void
  /**
   * The head of the topic. It is the position for a snapshot that you read after this call, as the `load` of a fold
   * needs it. Rejects if the log cannot be reached.
   */
  head(topic: string): Promise<Position>
  /**
   * Who is present in the topic, on all servers of the log. Rejects with `invalid` if the server has no option
   * `presence`, and if the log cannot be reached.
   */
  members(topic: string): Promise<readonly Member[]>
  /**
   * Hands all legs over. From now on the readiness check fails and new legs are refused. The legs here are asked to
   * hand over at a limited rate, and those still here at the deadline are closed. Resolves when all are gone. A second
   * call during a drain returns the same drain. Rejects with `invalid` for options that make no sense.
   */
  drain(options?: DrainOptions): Promise<DrainResult>
  /**
   * Drains and closes when the process gets that signal. Then it ends the process with exit code 0, unless somebody
   * else listens to the signal, who then has to end it. If the HTTP server was given as `server`, requests under way
   * are answered first, for up to 10 seconds, and no new connections are taken; under `noServer` that is up to you. A
   * second signal, half a second later or more, makes the deadline now. A drain that is cancelled closes nothing, and
   * the next signal begins another one. A worker of `node:cluster` (and so of pm2) stops listening meanwhile: the other
   * workers take the new connections.
   */
  drainOn(signal: NodeJS.Signals, options?: DrainOptions): void
  /**
   * Drains once another release answers reliably at this server's public address. This is for platforms that swap slots
   * and do not notify the old one. It asks `healthEndpoint()` at that address, which names its release from this call
   * on. If this release answers there again, as after a swap back, the drain is cancelled. It does not replace
   * `drainOn`. A second call replaces the first one's question. Throws `invalid`.
   */
  drainWhenReplaced(options: ReplacedOptions): void
  /**
   * An endpoint that a deploy tool calls on the old slot: `POST` with `Authorization: Bearer <secret>`, and an optional
   * JSON body with `DrainOptions` (all but `signal`). It answers 202 at once with `legs`, their number, and `takes`, the
   * milliseconds until all have left at the rate at which they leave; null if none leaves. With `wait: true` it answers
   * 200 with the `DrainResult` at the end. `cancel: true` cancels the drain. Throws `invalid` for a secret shorter than
   * 16 characters, or that cannot be sent in a header. Off unless you mount it.
   */
  drainEndpoint(secret: string): RequestListener
  /**
   * An endpoint for a balancer's readiness check. It answers 200 `ready`, or 503 and why: `draining` from the moment a
   * drain begins; `log away: …` if the log has never been reached, or not for 10 seconds.
   */
  healthEndpoint(): RequestListener
  /**
   * An endpoint with `stats()` in Prometheus' text format, and whatever `more` returns at that moment. It answers 500
   * if `more` throws, and reports that to `onError`. Off unless you mount it; mount it where only your monitoring can
   * ask.
   */
  metricsEndpoint(more?: () => readonly Metric[]): RequestListener
  /** What the server holds and has done. */
  stats(): ServerStats
  /** Closes every leg as `draining`, and whatever the server itself has opened. */
  close(): Promise<void>
}

/** Milliseconds that a closing server waits until the log knows that its legs are gone. */
const RELEASE_PATIENCE = 10_000

/**
 * Creates a live server. With `port` it listens at once; with `server` it is served by the HTTP server that you listen
 * with. Throws `invalid`.
 */
export function createLiveServer<User = unknown>(options: LiveServerOptions<User>): LiveServer<User>
export function createLiveServer<User, Topics extends object, Methods extends object = MethodTypes>(
  options: LiveServerOptions<User, Topics, Methods>,
): LiveServer<User, Topics>
// Repeated for `ReturnType<typeof createLiveServer>`, which looks at the last overload.
export function createLiveServer<User = unknown>(options: LiveServerOptions<User>): LiveServer<User>
export function createLiveServer<User, Topics extends object, Methods extends object>(
  given: LiveServerOptions<User, Topics, Methods>,
): LiveServer<User, Topics> {
  // The types of topics and methods are for the application. In here data is unknown.
  const options = given as unknown as LiveServerOptions<User>
  const checked = checkedOptions(options)
  const { path, clock, limits, onError } = checked
  const undo: (() => void)[] = []
  let closing: Promise<void> | null = null
  /** The release that `drainWhenReplaced` named. */
  let release: string | null = null
  let stopAsking: () => void = () => undefined

  const parts = createServerParts(checked, () => closing !== null)
  const { log, roster, drain, acceptor } = parts
  const health = healthListener(() => ({
    draining: drain.refusing || closing !== null,
    log: log.status?.(),
    release,
  }))
  const metrics = () => serverMetrics(parts.stats())
  let served: ServedHttp
  try {
    if (options.registry) undo.push(registerMetrics(options.registry, metrics, onError))
    if ((options.onSession || options.presence) && log.presence) undo.push(log.presence(parts.present))
    const plain = plainListener(path, health)
    served = serveHttp({ ...options, ...checked, plain, acceptor, onEvent: parts.tell })
    undo.push(served.leave)
  } catch (error) {
    leave()
    parts.close()
    throw error
  }
  undo.push(sweepLegs(roster.legs, { clock, heartbeat: checked.heartbeat, grace: limits.silenceGrace }))

  function leave() {
    for (const stop of undo) stop()
  }

  async function close() {
    stopAsking()
    leave()
    drain.force()
    await roster.close(DRAINING)
    // Presence is kept in the log, so the log must know of every leg that left before this process may end. A log that
    // is away does not delay the end for long: it takes the legs for dead anyway, some time later.
    await roster.released(clock, RELEASE_PATIENCE)
    parts.close()
    if (options.log === undefined) await log.close()
    await served.close()
  }

  /** Drains and closes for a signal. False: the drain was cancelled. */
  async function empty(given: DrainOptions | undefined): Promise<boolean> {
    // From here on it does not matter which release answers at the public address.
    stopAsking()
    const listenAgain = served.http ? leaveToOtherWorkers(served.http) : () => undefined
    await drain.start(given)
    // The drain was cancelled, and somebody may have begun another one since.
    while (drain.refusing && drain.left > 0) await drain.start(given)
    if (!drain.refusing) {
      listenAgain()
      return false
    }
    await server.close()
    return true
  }

  const server: LiveServer<User> = {
    ready: served.ready,
    upgrade: (request, stream, head) => acceptor.upgrade(request, stream, head),
    address: served.address,
    ...ofSessions(parts),
    publish: parts.publish,
    signal: parts.signal,
    async head(topic) {
      textOf('A topic', topic, MAX_TOPIC, 1)
      const { epoch, offset } = await log.head(topic)
      return { epoch, offset }
    },
    async members(topic) {
      if (!parts.presence) throw invalid('members(topic): this server has no presence: see the option presence')
      return parts.presence.members(topic)
    },
    // An async function, so that invalid options reject like every other failure.
    drain: async (given) => drain.start(given),
    drainOn(signal, given) {
      drain.check(given)
      const { finish, hurry, leave } = watchRequests(options.server as WatchedHttp | undefined, clock)
      const both = () => (drain.force(), hurry())
      const tasks = { empty: () => empty(given), finish, hurry: both, now: () => clock.monotonic(), onError }
      undo.push(leave, onSignal(process, signal, tasks))
    },
    drainWhenReplaced(given) {
      const stop = watchReplaced(given, { drain, clock, ask: releaseAt, onError })
      stopAsking()
      stopAsking = stop
      release = given.release
    },
    drainEndpoint: (secret) => createDrainEndpoint(drain, secret),
    healthEndpoint: () => health,
    metricsEndpoint: (more = () => []) =>
      createMetricsEndpoint(() => [...metrics(), ...atOnce('metricsEndpoint(more): more', more())], onError),
    stats: parts.stats,
    close() {
      closing ??= close()
      return closing
    },
  }
  return server as unknown as LiveServer<User, Topics>
}

/** What can be done to sessions, on whichever server they are. */
function ofSessions<User>({
  roster,
  tokens,
  tellOthers,
}: ReturnType<typeof createServerParts<User>>): Pick<LiveServer<User>, 'end' | 'renewTokens' | 'offerTokens'> {
  return {
    async end(match, reason = 'This session was ended.') {
      const pick = pickOf('end', match)
      const ended = roster.end(pick, textOf('end(match, reason): reason', reason, MAX_WORDS))
      if (typeof match !== 'function') await tellOthers({ type: 'end', match, reason })
      return ended
    },
    async renewTokens(match, given = {}) {
      const asked = tokens.renew(match, given)
      const within = numberOf('renewTokens.within', given.within)
      if (typeof match !== 'function') await tellOthers({ type: 'renew', match, within })
      return asked
    },
    async offerTokens(match: SessionMatch<User>, mint: Mint<User> | (() => MaybePromise<OfferedToken>)) {
      if (typeof match === 'function') return tokens.offer(match, mint)
      pickOf('offerTokens', match)
      const minted = await (mint as () => MaybePromise<OfferedToken>)()
      const given = tokens.give(match, minted)
      await tellOthers({ type: 'offer', match, ...minted })
      return given
    },
  }
}
