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

/** One server process. Those that share a log are one service. */
export interface LiveServer<User = unknown, Topics extends object = Record<string, unknown>> {
  /**
   * Resolves when it listens, with `noServer` at once; rejects where it cannot, and with `closed` where it was closed
   * before the HTTP server that it is mounted on listened.
   */
  readonly ready: Promise<void>
  /** Its WebSocket URL on this machine, such as `ws://127.0.0.1:8080/`. Throws `invalid` before it listens. */
  address(): string
  /**
   * What your own `upgrade` listener gives it, with `noServer`. True where the request was for this server's path and
   * for a WebSocket: then it is answered, by a refusal too. False where it is somebody else's: nothing was done, and
   * you have to answer it or end the stream.
   */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): boolean
  /**
   * Ends the sessions that match, wherever their user has signed out: their legs get `session-ended`, and their clients
   * stay away until somebody signs in again. `{ subject }` and `{ session }` reach every server of the log, a function
   * is asked of this server's. Resolves with the number of those here. Rejects with `invalid`, as where the reason is
   * longer than 4,096 characters, which clients do not read, and then ends nobody; with `refused` where the other
   * servers could not be told: call it again.
   */
  end(match: SessionMatch<User>, reason?: string): Promise<number>
  /**
   * Asks the sessions that match for a fresh token, wherever a key is about to be changed or rights have been: from now
   * on their tokens count as ending in `within` milliseconds. Their clients fetch new ones, each at a moment of its
   * own, spread over that time, and put them on the legs that they have. A leg that still bears the old one then, plus
   * `limits.tokenGrace`, is closed as
   * `unauthorized`. Legs without a token, and those whose token ends sooner anyway, are left alone. It reaches whom
   * `end` reaches. What a `hello` with an old token is worth is `authenticate`'s to say. Resolves with the number of
   * sessions asked here; rejects as `end` does.
   */
  renewTokens(match: SessionMatch<User>, options?: RenewOptions): Promise<number>
  /**
   * Gives the sessions that match a fresh token that `mint` signs for each of them, one after the other; nothing for
   * those where it answers null. It takes the place of the client's next call of its token service, and comes back to
   * `authenticate` as any other. Resolves with the number of tokens given; what `mint` throws goes to
   * `onError`, and so does one that takes longer than `limits.helloTimeout`.
   */
  offerTokens(match: SessionPick<User>, mint: Mint<User>): Promise<number>
  /**
   * Gives all sessions of a subject, or one session, on every server of the log the one token that `mint` signs: over
   * the log, which keeps it for a minute. Resolves with the number of those here; rejects as `end` does, and with what
   * `mint` throws.
   */
  offerTokens(
    match: { readonly subject: string } | { readonly session: string },
    mint: () => MaybePromise<OfferedToken>,
  ): Promise<number>
  /** Publishes as the server itself. Rejects with `invalid` or `too-large`, or with what the log says. */
  publish<Topic extends keyof Topics & string>(topic: Topic, data: Topics[Topic]): Promise<Position>
  /**
   * Says something to those who have the topic subscribed at this moment, on all servers of the log: it is not stored,
   * numbered or answered, and `filter` is not asked. A leg that does not keep up goes without. Throws `invalid` or
   * `too-large`.
   */
  signal<Topic extends keyof Topics & string>(topic: Topic, data: unknown): void
  /**
   * Where the topic stands: what belongs to a snapshot that is read after this, as `load` of a fold wants it. Rejects
   * where the log cannot be asked.
   */
  head(topic: string): Promise<Position>
  /**
   * Who is present in the topic, on all servers of the log. Rejects with `invalid` where there is no option `presence`,
   * or where the log cannot be asked.
   */
  members(topic: string): Promise<readonly Member[]>
  /**
   * Hands all legs over: readiness fails, new legs are refused, those here are asked to hand over at a pace, and what
   * is still here at the deadline is closed. Resolves when all are gone. Called again, it is the same drain.
   */
  drain(options?: DrainOptions): Promise<DrainResult>
  /**
   * Drains and closes at that signal, and then ends the process with 0 unless somebody else listens to the signal, who
   * then is to end it. On an HTTP server that was given as `server` requests under way are answered first, for up to 10
   * seconds, and new connections are taken no longer; under `noServer` that is yours to do. A second signal, half a second later or more, makes the deadline now. A drain that is cancelled closes nothing, and
   * the next signal begins another one. A worker of `node:cluster` (and so of pm2) stops listening meanwhile: the other
   * workers take the new connections.
   */
  drainOn(signal: NodeJS.Signals, options?: DrainOptions): void
  /**
   * Drains once another release answers at this server's public address, and not before it is there for good: on a
   * platform that swaps slots and tells the old one nothing. The answer is that of `healthEndpoint()`, which names the
   * release from here on. Should this release be there again, as after a swap back, the drain is taken back. It
   * replaces no `drainOn`. Called again, the new question takes the place of the old one. Throws `invalid`.
   */
  drainWhenReplaced(options: ReplacedOptions): void
  /** See `createDrainEndpoint`. Off unless you mount it. */
  drainEndpoint(secret: string): RequestListener
  /**
   * For a balancer's readiness check: answers 200 `ready`, or 503 and why. `draining`: from the moment a drain begins.
   * `log away: …`: the log has never been reached, or not for 10 seconds.
   */
  healthEndpoint(): RequestListener
  /**
   * Answers with `stats()` in Prometheus' text format, and with whatever `more` gives at that moment; with 500 where
   * that throws, which `onError` is told. Off unless you mount it, where only your monitoring can ask.
   */
  metricsEndpoint(more?: () => readonly Metric[]): RequestListener
  /** What it holds and has done. */
  stats(): ServerStats
  /** Closes every leg as `draining`, and what the server itself has opened. */
  close(): Promise<void>
}

/** How long a server that closes waits for the log to hear of legs that have gone. */
const RELEASE_PATIENCE = 10_000

/**
 * A live server, which listens at once with `port`, or lives on the `server` that you listen with. Throws `invalid`.
 */
export function createLiveServer<User = unknown>(options: LiveServerOptions<User>): LiveServer<User>
export function createLiveServer<User, Topics extends object, Methods extends object = MethodTypes>(
  options: LiveServerOptions<User, Topics, Methods>,
): LiveServer<User, Topics>
// Once more, for `ReturnType<typeof createLiveServer>`, which looks at the last one.
export function createLiveServer<User = unknown>(options: LiveServerOptions<User>): LiveServer<User>
export function createLiveServer<User, Topics extends object, Methods extends object>(
  given: LiveServerOptions<User, Topics, Methods>,
): LiveServer<User, Topics> {
  // Types of topics and methods are for the application: in here data is unknown.
  const options = given as unknown as LiveServerOptions<User>
  const checked = checkedOptions(options)
  const { path, clock, limits, onError } = checked
  const undo: (() => void)[] = []
  let closing: Promise<void> | null = null
  /** Of `drainWhenReplaced`. */
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
    // Presence is the log's: it must have heard of every leg that left before this process may end. One that is away
    // does not hold it up for long: it takes the legs for dead all the same, some time later.
    await roster.released(clock, RELEASE_PATIENCE)
    parts.close()
    if (options.log === undefined) await log.close()
    await served.close()
  }

  /** What a signal asks for. False: it was taken back. */
  async function empty(given: DrainOptions | undefined): Promise<boolean> {
    // From here on it is no longer for whoever is at the address to say.
    stopAsking()
    const listenAgain = served.http ? leaveToOtherWorkers(served.http) : () => undefined
    await drain.start(given)
    // Taken back, and perhaps begun anew by somebody else since.
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
    // An async function, so that options that make no sense reject like everything else.
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

/** What is done to sessions, wherever they are. */
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
