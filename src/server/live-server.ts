import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { nanoid } from 'nanoid'
import { systemClock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { MAX_ID, MAX_TOPIC, MAX_WORDS } from '../protocol/fields.js'
import { serialise } from '../protocol/json.js'
import { createAdmission } from './admission/admission.js'
import { createGreeted } from './admission/greeted.js'
import { createAcceptor, type Arrival, type Connection } from './upgrade/acceptor.js'
import { createAuthenticator } from './identity/authenticator.js'
import { numberOf, textOf } from './bounds.js'
import { clientAddress } from './upgrade/client-address.js'
import { createDrain, type DrainOptions, type DrainResult } from './drain/drain.js'
import { createDrainEndpoint } from './drain/drain-endpoint.js'
import { onSignal } from './drain/drain-signal.js'
import { RELEASE_HEADER, releaseAt, watchReplaced, type ReplacedOptions } from './drain/replaced-watch.js'
import { leaveToOtherWorkers } from './drain/cluster-worker.js'
import { DRAINING } from './failure.js'
import { serverLimits } from './limits.js'
import { listening, localUrl } from './upgrade/listening.js'
import { memoryLog } from './log/memory-log.js'
import { createMetricsEndpoint, serverMetrics, type Metric } from './metrics.js'
import { invalid, shown } from './invalid.js'
import type { LiveServerOptions } from './options.js'
import type { MaybePromise } from './maybe-promise.js'
import type { RequestListener } from './request-listener.js'
import { createCounters } from './counters.js'
import { originCheck } from './upgrade/origin.js'
import { createWriteCoalescing } from './legs/write-coalescing.js'
import { BACKLOG, createOwnHttp } from './upgrade/own-http.js'
import { createPermission } from './identity/permission.js'
import { createPatientClock } from './legs/patient-clock.js'
import { checkHandlers, createAnswerer } from './requests/answerer.js'
import type { MethodSchemas } from '../protocol/method-types.js'
import { publisherOf } from './publishes/told-publisher.js'
import type { Position } from '../protocol/frames.js'
import { historyMethod } from './requests/history-method.js'
import { visibleTo } from './legs/leg-sink.js'
import { HISTORY } from '../protocol/own-methods.js'
import { createPublisher } from './publishes/publisher.js'
import { createPublishPace } from './publishes/publish-pace.js'
import { readinessOf } from './readiness.js'
import { reconnectSpread } from './reconnect-spread.js'
import { callOut, createReport } from './reporter.js'
import { createServerLegs, type ServerLeg } from './legs/server-leg.js'
import type { ServerEvent } from './server-event.js'
import { createSessionRates } from './legs/session-rates.js'
import type { ServerStats } from './stats.js'
import { createTopicFeeds } from './topics/topic-feeds.js'
import type { PresenceChange } from './log/topic-log.js'
import {
  createTokenRenewal,
  type OfferedToken,
  type RenewOptions,
  type SessionMatch,
} from './identity/token-renewal.js'
import { NOT_FOUND, refusedEvent, targetOf } from './upgrade/upgrade.js'
import { mountPath } from './upgrade/upgrade-dispatch.js'

export interface LiveServer<User = unknown> {
  /** Resolves when it listens, with `noServer` at once; rejects where it cannot. */
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
   * Ends the sessions that match, wherever their user has signed out: their legs on this server get `session-ended`,
   * and their clients stay away until somebody signs in again. Resolves with their number. Rejects with `invalid` where
   * the reason is longer than 4,096 characters, which clients do not read, and then ends nobody.
   */
  end(match: SessionMatch<User>, reason?: string): Promise<number>
  /**
   * Asks the sessions that match for a fresh token, wherever a key is about to be changed or rights have been: from now
   * on their tokens count as ending in `within` milliseconds. Their clients fetch new ones, each at a moment of its
   * own, spread over that time, and put them on the legs that they have. A leg that still bears the old one then, plus
   * `limits.tokenGrace`, is closed as
   * `unauthorized`. Legs without a token, and those whose token ends sooner anyway, are left alone. Of this server
   * only: call it on each. What a `hello` with an old token is worth is `authenticate`'s to say. Resolves with the
   * number of sessions asked; rejects with `invalid`.
   */
  renewTokens(match: SessionMatch<User>, options?: RenewOptions): Promise<number>
  /**
   * Gives the sessions that match a fresh token that `mint` signs for each of them, one after the other; nothing for
   * those where it answers null. It takes the place of the client's next call of its token service, and comes back to
   * `authenticate` as any other. Resolves with the number of tokens given; what `mint` throws goes to `onError`.
   */
  offerTokens(
    match: SessionMatch<User>,
    mint: (session: { readonly session: string; readonly user: User }) => MaybePromise<OfferedToken | null | undefined>,
  ): Promise<number>
  /** Publishes as the server itself. Rejects with `invalid` or `too-large`, or with what the log says. */
  publish(topic: string, data: unknown): Promise<Position>
  /**
   * Where the topic stands: what belongs to a snapshot that is read after this, as `load` of a fold wants it. Rejects
   * where the log cannot be asked.
   */
  head(topic: string): Promise<Position>
  /**
   * Moves all legs away: readiness fails, new legs are refused, those here are asked to move at a pace, and what is
   * still here at the deadline is closed. Resolves when all are gone. Called again, it is the same drain.
   */
  drain(options?: DrainOptions): Promise<DrainResult>
  /**
   * Drains and closes at that signal, and then ends the process with 0 unless somebody else listens to the signal. A
   * second signal, half a second later or more, makes the deadline now. A drain that is cancelled closes nothing, and
   * the next signal begins another one. A worker of `node:cluster` (and so of pm2) stops listening meanwhile: the other
   * workers take the new connections.
   */
  drainOn(signal: NodeJS.Signals, options?: DrainOptions): void
  /**
   * Drains once another release answers at this server's public address, and not before it is there for good: on a
   * platform that swaps slots and tells the old one nothing. The answer is that of `healthEndpoint()`, which names the
   * release from here on. Should this release be there again, as after a swap back, the drain is taken back. It replaces
   * no `drainOn`. Called again, the new question takes the place of the old one. Throws `invalid`.
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
   * Answers with `stats()` in Prometheus' text format, and with whatever `more` gives at that moment. Off unless you
   * mount it, where only your monitoring can ask.
   */
  metricsEndpoint(more?: () => readonly Metric[]): RequestListener
  stats(): ServerStats
  /** Closes every leg as `draining`, and what the server itself has opened. */
  close(): Promise<void>
}

/** Each sweep looks at every leg once, and finds what is due one sweep late at the most. */
const SWEEPS_PER_HEARTBEAT = 20
/**
 * Of the heartbeat: as late as the heartbeat allows, and after the client's own ping is due (0.8 of it). So an idle leg
 * is one ping and its answer in a heartbeat; only for a client whose timers stand still does the server speak first.
 */
const QUIET = 0.9
/** Of the heartbeat. A process that stood still for longer has unread frames: for a while nobody is called dead. */
const PAUSE = { longer: 0.6, spared: 0.2 }
/** How long a server that closes waits for the log to hear of legs that have gone. */
const RELEASE_PATIENCE = 10_000

/** Options that may be left out, and are functions where they are not. */
const FUNCTIONS = ['authorize', 'filter', 'onPublish', 'onSession', 'onEvent', 'onError'] as const

/**
 * A live server, which listens at once with `port`, or lives on the `server` that you listen with. Throws `invalid`.
 */
export function createLiveServer<User = unknown>(options: LiveServerOptions<User>): LiveServer<User> {
  const { authenticate } = options
  const onError = createReport(options.onError)
  if (typeof authenticate !== 'function')
    throw invalid('authenticate must be a function: without one anybody could be anybody')
  checkPlace(options)
  const { path = '/', id = nanoid(), clock = systemClock } = options
  for (const name of FUNCTIONS) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw invalid(`${name} must be a function, not ${shown(options[name])}`)
  }
  checkHandlers(options.onRequest)
  if (typeof path !== 'string' || !path.startsWith('/') || path.includes('?'))
    throw invalid(`path must start with / and have no query, not ${shown(path)}`)
  textOf('id', id, MAX_ID, 1)
  const heartbeat = numberOf('heartbeat', options.heartbeat)
  const limits = serverLimits(options.limits)
  const allows = originCheck(options.allowedOrigins)
  const addressOf = clientAddress(options.trustedProxies)
  const greeted = createGreeted(() => clock.monotonic())
  const spread = reconnectSpread(options.reconnectSpread, () => greeted.bestSecond)
  const log = options.log ?? memoryLog({ clock })
  const counters = createCounters()
  const feeds = createTopicFeeds({ log, clock, max: limits.maxTopicsRead, onError })
  // Of the process itself, whatever clock the server is given.
  const pace = createPublishPace(systemClock, feeds.crowded)
  const permission = createPermission(options.authorize, onError)
  const publish = createPublisher<User>({
    log,
    pace,
    permission,
    clock,
    patience: limits.publishTimeout,
    by: publisherOf(options.tellPublisher, onError),
    onPublish: options.onPublish,
    onError,
  })
  const sees = visibleTo(options.filter, onError)
  const answer = createAnswerer<User>({
    handlers: [{ [HISTORY]: historyMethod<User>({ log, permission, sees }) }, options.onRequest ?? {}],
    schemas: (options.methods ?? {}) as MethodSchemas,
    clock,
    patience: limits.requestTimeout,
    onError,
  })
  const connections = new Set<ServerLeg<User>>()
  const legs = new Set<ServerLeg<User>>()
  const releasing = new Set<Promise<void>>()
  const undo: (() => void)[] = []
  let closing: Promise<void> | null = null
  let stopSweeping: () => void = () => undefined
  let emptied: (() => void) | null = null
  let release: string | null = null
  let stopAsking: () => void = () => undefined

  const drain = createDrain({
    clock,
    legs: () => legs as Set<ServerLeg<unknown>>,
    refusePending: () => pending().forEach((leg) => leg.fail(DRAINING)),
    asked: () => void counters.asked++,
    onEvent: tell,
    onError,
  })
  const tokens = createTokenRenewal<User>({ legs: () => legs, onError })
  const pending = () => [...connections].filter((leg) => !legs.has(leg))

  const acceptor = createAcceptor(
    { path, limits, clock, allows, addressOf },
    {
      open: welcomeIn,
      closedFor() {
        if (!drain.refusing && !closing) return null
        drain.cameBack()
        return DRAINING
      },
      room: () => admission.room(),
      onEvent: tell,
    },
  )
  const own = options.port !== undefined
  const ownHttp = own ? createOwnHttp(plain, clock) : null
  const http = ownHttp?.http ?? (options.server as HttpServer | undefined)
  if (http) undo.push(mountPath(http, path, { take, refused: (request) => tell(refusedEvent(request, NOT_FOUND)) }))
  if (options.onSession && log.presence) undo.push(log.presence(present))
  if (own) http!.listen({ port: options.port, host: options.host, backlog: BACKLOG })
  const ready = http ? listening(http) : Promise.resolve()
  sweep()

  function take(request: IncomingMessage, stream: Duplex, head: Buffer) {
    ownHttp?.asked(stream)
    acceptor.upgrade(request, stream, head)
  }

  function tell(event: ServerEvent) {
    callOut(
      () => options.onEvent?.(event),
      (error) => onError(error, 'telling of an event'),
    )
  }

  /** What becomes of sessions although no leg here came or went. */
  function present(change: PresenceChange): boolean {
    const who =
      change.type === 'left' ? null : [...legs].map((leg) => leg.who!).find(({ session }) => session === change.session)
    if (who === undefined) return false
    callOut(
      () =>
        options.onSession!(
          change.type === 'left' ? change : { type: 'joined', session: change.session, user: who!.user },
        ),
      (error) => onError(error, 'telling of a session'),
    )
    return true
  }

  function plain(request: IncomingMessage, response: ServerResponse) {
    if (targetOf(request).path === '/healthz') return health(request, response)
    const status = targetOf(request).path === path ? 426 : 404
    response
      .writeHead(status, { 'Content-Type': 'text/plain' })
      .end(status === 426 ? 'This is a WebSocket.' : 'Not found.')
  }

  function health(_request: IncomingMessage, response: ServerResponse) {
    const readiness = readinessOf({ draining: drain.refusing || closing !== null, log: log.status?.() })
    response
      .writeHead(readiness === 'ready' ? 200 : 503, {
        'Content-Type': 'text/plain',
        'Cache-Control': 'no-store',
        ...(release === null ? undefined : { [RELEASE_HEADER]: release }),
      })
      .end(readiness)
  }

  function welcomeIn(connection: Connection, arrival: Arrival): ServerLeg<User> {
    counters.opened++
    const leg = newLeg(connection, arrival)
    connections.add(leg)
    return leg
  }

  const patient = createPatientClock(clock)
  const authenticator = createAuthenticator<User>({
    authenticate,
    clock: patient,
    patience: limits.helloTimeout,
    maxCalls: limits.maxAuthenticating,
    wasted() {
      counters.wasted++
      admission.wake()
    },
    onError,
  })
  const admission = createAdmission({
    clock,
    most: limits.maxAuthenticating,
    queueTimeout: limits.queueTimeout,
    patience: limits.helloTimeout,
    abandoned: () => authenticator.abandoned,
  })
  const newLeg = createServerLegs<User>({
    writes: createWriteCoalescing(systemClock),
    id,
    heartbeat,
    limits,
    log,
    feeds,
    rates: createSessionRates(limits, clock),
    publish,
    answer,
    counters,
    clock: patient,
    authenticator,
    admission,
    permission,
    filter: options.filter,
    onSession: options.onSession,
    reconnectSpread: () => spread(connections.size),
    welcomed(leg) {
      greeted.add()
      legs.add(leg)
    },
    delayed: (leg, retryAfter) => drain.delayed(leg as ServerLeg<unknown>, retryAfter),
    gone(leg) {
      connections.delete(leg)
      if (legs.delete(leg)) drain.gone(leg as ServerLeg<unknown>)
      if (connections.size === 0) emptied?.()
    },
    releasing(done) {
      releasing.add(done)
      void done.then(() => releasing.delete(done))
    },
    onEvent: tell,
    onError,
  })

  function sweep() {
    const interval = heartbeat / SWEEPS_PER_HEARTBEAT
    let last = clock.monotonic()
    let sparedUntil = -Infinity
    const look = () => {
      const now = clock.monotonic()
      if (now - last > PAUSE.longer * heartbeat) sparedUntil = now + PAUSE.spared * heartbeat
      last = now
      const dead = now < sparedUntil ? Infinity : heartbeat + limits.silenceGrace
      for (const leg of [...legs]) leg.tend(now, { quiet: QUIET * heartbeat, dead })
      stopSweeping = clock.setTimeout(look, interval)
    }
    stopSweeping = clock.setTimeout(look, interval)
  }

  async function close() {
    stopSweeping()
    stopAsking()
    for (const stop of undo) stop()
    drain.force()
    for (const leg of [...connections]) leg.fail(DRAINING, 'all')
    if (connections.size > 0) await new Promise<void>((resolve) => void (emptied = resolve))
    // Presence is the log's: it must have heard of every leg that left before this process may end. One that is away
    // does not hold it up for long: it takes the legs for dead all the same, some time later.
    await settled(Promise.all(releasing))
    admission.close()
    feeds.close()
    acceptor.close()
    if (options.log === undefined) await log.close()
    if (own) {
      // One that never came to listen has nothing to close, and says so by an error that tells nobody anything.
      await new Promise<void>((resolve) => {
        http!.close(() => resolve())
        http!.closeAllConnections()
      })
    }
  }

  function settled(all: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.setTimeout(resolve, RELEASE_PATIENCE)
      void all.then(cancel).then(resolve)
    })
  }

  function stats(): ServerStats {
    const status = log.status?.()
    return {
      ...counters,
      failed: { ...counters.failed },
      id,
      connections: connections.size,
      legs: legs.size,
      topics: feeds.size,
      slowed: pace.slowed(),
      admission: { greeted: greeted.lastSecond, ...admission.stats },
      ...(log.size && { log: log.size() }),
      draining: drain.refusing,
      logAway: status?.ready === false ? status.reason : null,
    }
  }

  const server: LiveServer<User> = {
    ready,
    upgrade: acceptor.upgrade,
    address() {
      if (!http) throw invalid('With noServer the address is that of your HTTP server')
      return localUrl(http, path)
    },
    async end(match, reason = 'This session was ended.') {
      if (typeof match !== 'function') throw invalid(`end(match): match must be a function, not ${shown(match)}`)
      textOf('end(match, reason): reason', reason, MAX_WORDS)
      // Also those that are known and not welcomed yet: nobody comes in behind a sign-out.
      const matching = [...connections].filter((leg) => {
        return leg.who !== null && match(leg.who)
      })
      const sessions = new Set(matching.map((leg) => leg.who!.session))
      for (const leg of matching) leg.fail({ code: 'session-ended', message: reason })
      return sessions.size
    },
    renewTokens: async (match, given) => tokens.renew(match, given),
    offerTokens: (match, mint) => tokens.offer(match, mint),
    async publish(topic, data) {
      textOf('A topic', topic, MAX_TOPIC, 1)
      const text = serialise(data)
      if ('invalid' in text)
        throw new LiveSocketError('invalid', `The data cannot be published: ${text.invalid}`, {
          topic,
          cause: text.cause,
        })
      if (Buffer.byteLength(text.json) > limits.maxFrame) {
        throw new LiveSocketError('too-large', `The data has more than limits.maxFrame, ${limits.maxFrame} bytes`, {
          topic,
        })
      }
      const { answer, epoch } = await pace.run(topic, text.json.length, () => log.append({ topic, data: text.json }))
      if (answer.type === 'nack') throw new LiveSocketError('refused', answer.message, { topic })
      return { epoch: epoch!, offset: answer.offset! }
    },
    async head(topic) {
      textOf('A topic', topic, MAX_TOPIC, 1)
      const { epoch, offset } = await log.head(topic)
      return { epoch, offset }
    },
    // An async function, so that options that make no sense reject like everything else.
    drain: async (given) => drain.start(given),
    drainOn(signal, given) {
      drain.check(given)
      const empty = async () => {
        // From here on it is no longer for whoever is at the address to say.
        stopAsking()
        const listenAgain = http ? leaveToOtherWorkers(http) : () => undefined
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
      undo.push(onSignal(process, signal, { empty, hurry: drain.force, now: () => clock.monotonic(), onError }))
    },
    drainWhenReplaced(given) {
      const stop = watchReplaced(given, { drain, clock, ask: releaseAt, onError })
      stopAsking()
      stopAsking = stop
      release = given.release
    },
    drainEndpoint: (secret) => createDrainEndpoint(drain, secret),
    healthEndpoint: () => health,
    metricsEndpoint: (more = () => []) => createMetricsEndpoint(() => [...serverMetrics(stats()), ...more()]),
    stats,
    close() {
      closing ??= close()
      return closing
    },
  }
  return server
}

function checkPlace({ server, port, noServer }: Pick<LiveServerOptions, 'server' | 'port' | 'noServer'>) {
  if ([server !== undefined, port !== undefined, noServer === true].filter(Boolean).length !== 1) {
    throw invalid('Give either server or port, or noServer: true')
  }
  if (server === undefined) return
  if (typeof server !== 'object' || server === null || !('listening' in server) || typeof server.emit !== 'function') {
    throw invalid('server must be an HTTP server of Node, such as http.createServer(app) returns, and no application')
  }
}
