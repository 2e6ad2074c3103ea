import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { createAlarm } from '../../base/alarm.js'
import { instant, type Clock } from '../../base/clock.js'
import { decodeClientFrame } from '../../protocol/client-frames.js'
import type { ClientFrame, ServerFrame, TopicAnswers } from '../../protocol/frames.js'
import type { Authenticator, Identification, Identified } from '../identity/authenticator.js'
import { CLOSE_CODES, LOG_AWAY, UNTOLD, type Failure } from '../failure.js'
import { createFreshToken } from '../identity/fresh-token.js'
import { createLegFlight } from './leg-flight.js'
import { createLegSink, type Filter } from './leg-sink.js'
import { createLegSocket, type LegSocket } from './leg-socket.js'
import { createLegTopics, type PreparedTopics, type TopicRefusal } from './leg-topics.js'
import { maxPayload, type ServerLimits } from '../limits.js'
import type { Answerer, RequestFrame } from '../requests/answerer.js'
import { createLegRequests } from '../requests/leg-requests.js'
import { answerFrame } from '../topics/message-frame.js'
import type { WriteCoalescing } from './write-coalescing.js'
import type { Publisher, PublishFrame } from '../publishes/publisher.js'
import type { ServerEvent } from '../server-event.js'
import type { Counters } from '../counters.js'
import type { TopicFeeds } from '../topics/topic-feeds.js'
import { OUTCOME_UNKNOWN, type TopicLog } from '../log/topic-log.js'
import type { Permission } from '../identity/permission.js'
import { callOut } from '../reporter.js'
import type { OnSession } from './session-event.js'
import type { SessionRate, SessionRates } from './session-rates.js'
import { createTokenLife } from '../identity/token-life.js'
import { createWorkQueue } from './work-queue.js'

/** One connection, from its opening on. */
export interface ServerLeg<User> {
  /** Null until its hello was taken. */
  who(): { readonly session: string; readonly user: User } | null
  /**
   * An error and then the close. A welcomed leg first gets the answers to what it published: all of it, or what is
   * under way.
   */
  fail(failure: Failure, answers?: 'all' | 'under way'): void
  send(frame: Extract<ServerFrame, { type: 'handover' | 'handover-cancelled' | 'token' }>): void
  /**
   * Its token ends in `within` milliseconds, and the client is told. False where it has none, or one that ends sooner.
   */
  renewToken(within: number): boolean
  /** Says something if it has been silent for long; ends a leg that is dead, or past its token. */
  tend(now: number, ask: { readonly quiet: number; readonly dead: number }): void
  terminate(): void
}

export interface LegDeps<User> {
  readonly filter: Filter<User> | undefined
  readonly onSession: OnSession<User> | undefined
  readonly authenticator: Authenticator<User>
  readonly permission: Permission<User>
  readonly id: string
  readonly heartbeat: number
  readonly limits: ServerLimits
  readonly log: TopicLog
  readonly feeds: TopicFeeds
  readonly rates: SessionRates
  readonly publish: Publisher<User>
  readonly answer: Answerer<User>
  readonly counters: Counters
  readonly clock: Clock
  readonly writes: WriteCoalescing
  reconnectSpread(): number | undefined
  onEvent(event: ServerEvent): void
  onError(error: unknown, doing: string): void
}

/** What a leg tells of its beginning and end, each at most once. */
export interface LegHandlers {
  /** Its hello has come. */
  said(): void
  welcomed(): void
  /** It is being closed. */
  ending(): void
  gone(): void
  /** It is gone, and the log is told so. */
  releasing(done: Promise<void>): void
}

type Hello = Extract<ClientFrame, { type: 'hello' }>
type Known<User> = Extract<Identified<User>, { outcome: 'known' }>

/** A session that does not heed what it is told, which is worth no answer any more, comes back after so long. */
const FLOOD_PAUSE = 5_000
const BUSY = 'This leg has as many requests under way as limits.maxRequests allows.'

export function createServerLeg<User>(
  deps: LegDeps<User>,
  connection: { readonly ws: WebSocket; readonly stream: Duplex; readonly request: IncomingMessage },
  handlers: LegHandlers,
): ServerLeg<User> {
  const { log, limits, clock, writes, counters, onError } = deps
  const { request } = connection
  const patience = createAlarm(clock, () =>
    fail(state === 'opened' ? { code: 'timeout', message: 'The hello took too long.' } : LOG_AWAY),
  )
  const queue = createWorkQueue(limits.maxQueued, limits.maxQueuedBytes, {
    full: () => socket.pause(),
    room: () => socket.resume(),
    failed: (error) => onError(error, 'serving a leg'),
  })
  let who: { readonly session: string; user: User; readonly subject: string | undefined; token: boolean } | null = null
  let state: 'opened' | 'greeting' | 'live' | 'ending' | 'gone' = 'opened'
  let admitted: { readonly session: string; readonly leg: number; readonly user: User } | null = null
  /** What its hello said, for the log. */
  let named: { readonly session?: string; readonly leg?: number } = {}
  const flight = createLegFlight(clock)
  /** Whether it has published since it was last probed, and when that was. */
  let published = false
  let probedAt = clock.monotonic()
  /** From its welcome on. */
  let rate: SessionRate | null = null
  let saidOverRate = false
  const life = createTokenLife(clock, limits.tokenGrace)
  let asking: Identification<User> | null = null
  const fresh = createFreshToken<User>(
    clock,
    (token) => ask(who!.session, token),
    (known) => void queue.change(0, () => renewed(known)),
  )

  const socket: LegSocket = createLegSocket(connection.ws, connection.stream, clock, writes, limits.maxBuffered, {
    text: hear,
    binary: () => fail({ code: 'protocol', message: 'Frames must be text.' }),
    asked: flight.asked,
    answered: flight.answered,
    gone,
  })

  const sink = createLegSink<User>({ ...deps, socket, who: () => who! })
  const requests = createLegRequests<User>(deps.answer, limits.maxRequests)
  const topics = createLegTopics<User>({
    permission: deps.permission,
    feeds: deps.feeds,
    maxTopics: limits.maxTopics,
    sink,
  })

  patience.set(limits.helloTimeout)

  function hear(text: string) {
    if (state === 'ending' || state === 'gone') return
    // Every character is a byte at least, so that most frames need not be counted.
    const large =
      text.length > limits.maxFrame || (text.length * 3 > limits.maxFrame && Buffer.byteLength(text) > limits.maxFrame)
    const frame = decodeClientFrame(text, maxPayload(limits))
    if (large) {
      const id =
        frame && 'type' in frame && (frame.type === 'publish' || frame.type === 'request')
          ? { id: frame.id }
          : undefined
      return fail({ code: 'too-large', message: `Frames must have at most ${limits.maxFrame} bytes.`, ...id }, 'all')
    }
    if (!frame) return
    if ('invalid' in frame) return fail({ code: 'protocol', message: frame.invalid }, 'all')
    if (state === 'opened') {
      if (frame.type !== 'hello') return fail({ code: 'protocol', message: 'The first frame must be a hello.' })
      return void greet(frame).catch((error: unknown) => {
        onError(error, 'greeting a leg')
        fail(LOG_AWAY)
      })
    }
    if (state === 'greeting')
      return fail({ code: 'protocol', message: 'Nothing may come between the hello and the welcome.' })
    serve(frame, text.length)
  }

  async function greet(hello: Hello) {
    state = 'greeting'
    handlers.said()
    named = { session: hello.session, leg: hello.leg }
    // One time for both: who it is, which has its own patience, and then what the log says.
    const endsAt = clock.monotonic() + limits.helloTimeout
    patience.clear()
    asking = ask(hello.session, hello.token)
    const known = await asking.answer
    asking = null
    if (state !== 'greeting') return
    if (known.outcome !== 'known') return fail(refusal(known.outcome))
    patience.set(Math.max(0, endsAt - clock.monotonic()))
    const admission = await log.admit(hello.session, hello.leg, known.subject)
    if (admission.outcome === 'admitted') {
      admitted = { session: hello.session, leg: hello.leg, user: known.user }
      if (admission.first) tellSession('joined')
      if (ended()) return release()
    }
    if (ended()) return
    if (admission.outcome === 'superseded') {
      return fail({ code: 'superseded', message: `This session has a leg ${hello.leg} or a newer one already.` })
    }
    if (admission.outcome === 'forbidden')
      return fail({ code: 'forbidden', message: 'This session belongs to somebody else.' })
    who = { session: hello.session, user: known.user, subject: known.subject, token: hello.token !== undefined }
    const prepared = await topics.prepare(hello.topics, who)
    if (ended()) return prepared.drop()
    state = 'live'
    rate = deps.rates.join(hello.session)
    patience.clear()
    flight.welcomed()
    join(prepared, undefined, (answers) => welcome(known, answers))
    counters.welcomed++
    const { session, leg, handover } = hello
    deps.onEvent({ type: 'leg-welcomed', session, leg, ...(handover === undefined ? undefined : { handover }) })
    handlers.welcomed()
  }

  function welcome(known: Known<User>, answers: TopicAnswers) {
    const reconnectSpread = deps.reconnectSpread()
    socket.send({
      type: 'welcome',
      server: deps.id,
      topics: answers,
      heartbeat: deps.heartbeat,
      ...lifetime(known),
      maxFrame: limits.maxFrame,
      ...(reconnectSpread === undefined ? undefined : { reconnectSpread }),
    })
  }

  /** The token counts from here. */
  function lifetime({ tokenTtl }: Known<User>): { tokenTtl?: number } {
    life.begin(tokenTtl)
    return tokenTtl === undefined ? {} : { tokenTtl }
  }

  function serve(frame: ClientFrame, bytes: number) {
    const wait = rate!.take(bytes)
    const due = wait > 0 ? clock.monotonic() + wait : 0
    // A repeat may have been applied: it gets its answer, only later.
    if (wait > 0 && !(frame.type === 'publish' && frame.age !== undefined) && !overRate(frame, bytes)) return
    switch (frame.type) {
      case 'hello':
        return fail({ code: 'protocol', message: 'A leg says hello once.' })
      case 'subscribe':
        return queue.change(bytes, async () => {
          await socket.settled()
          const prepared = await topics.prepare(frame.topics, who!).catch((error: unknown) => {
            onError(error, 'subscribing')
            // The leg, and what it has, is none the worse for it.
            for (const topic of frame.topics.keys()) refuse(frame.id)({ ...LOG_AWAY, topic })
          })
          if (prepared && state !== 'live') prepared.drop()
          else if (prepared)
            join(prepared, frame.id, (answers) => socket.send({ type: 'subscribed', id: frame.id, topics: answers }))
        })
      case 'unsubscribe':
        return queue.change(bytes, async () => topics.leave(frame.topics))
      case 'publish':
        return queue.publish(frame.topic, bytes, publishing(frame, due))
      case 'request':
        return requests.full() ? refuseNow(frame.id, BUSY, 1_000) : answering(frame, bytes)
      case 'cancel':
        return requests.cancel(frame.id)
      case 'auth':
        return fresh.check(frame.token)
      case 'ping':
        return pong()
    }
  }

  function join(prepared: PreparedTopics, id: string | undefined, named: (answers: TopicAnswers) => void) {
    prepared.join({ refused: refuse(id), named })
  }

  function refuse(id: string | undefined) {
    return (why: TopicRefusal) => {
      socket.send({ type: 'error', ...why, ...(id === undefined ? undefined : { id }) })
      // One question can have thousands of answers.
      if (socket.owed() > limits.maxBuffered) dropSlow()
    }
  }

  /** More than the session may send. Refused where that can be said; true where it is served all the same. */
  function overRate(frame: ClientFrame, bytes: number): boolean {
    if (!saidOverRate) deps.onEvent({ type: 'leg-over-rate', session: who!.session, leg: admitted!.leg })
    saidOverRate = true
    const retryAfter = rate!.refuse(bytes)
    const busy = { code: 'busy', message: 'This session sends too much.' } as const
    if (retryAfter === null) return (fail({ ...busy, retryAfter: FLOOD_PAUSE }, 'all'), false)
    if (frame.type === 'request') refuseNow(frame.id, busy.message, retryAfter)
    else if (frame.type === 'publish') {
      counters.published++
      counters.refused++
      socket.sendEncoded(answerFrame(frame.id, { type: 'nack', ...busy, retryAfter }))
      if (socket.owed() > limits.maxBuffered) dropSlow()
    } else if (frame.type === 'subscribe')
      for (const topic of frame.topics.keys()) refuse(frame.id)({ ...busy, topic, retryAfter })
    return frame.type !== 'publish' && frame.type !== 'subscribe' && frame.type !== 'request'
  }

  function refuseNow(id: string, message: string, retryAfter: number) {
    socket.sendEncoded(answerFrame(id, { type: 'nack', code: 'busy', message, retryAfter }))
    if (socket.owed() > limits.maxBuffered) dropSlow()
  }

  function answering(frame: RequestFrame, bytes: number) {
    counters.requested++
    queue.beside(bytes, async () => {
      const answer = await requests.ask(frame, who!)
      await socket.settled()
      socket.sendEncoded(answer)
    })
  }

  /** @param due when the rate of its session has room for it; 0: now. */
  function publishing(frame: PublishFrame, due: number) {
    published = true
    const arrived = instant(clock)
    const onItsWay = flight.longest()
    return async (next: () => void) => {
      const wait = due === 0 ? 0 : due - clock.monotonic()
      if (wait > 0) await new Promise<void>((resolve) => void clock.setTimeout(resolve, wait))
      // It asks and asks, and does not read what it is answered.
      const settled = socket.settled()
      if (settled) await settled
      counters.published++
      const { session, user } = who!
      const answer = await deps.publish({ frame, session, user, arrived, flight: onItsWay }, next)
      if (answer.type === 'nack') counters.refused++
      // A log that has lost what it knew can tell again of what is sent from now on.
      if (answer.type === 'nack' && answer.code === OUTCOME_UNKNOWN.code) probe()
      socket.sendEncoded(answerFrame(frame.id, answer))
    }
  }

  function probe() {
    published = false
    probedAt = clock.monotonic()
    socket.probe()
  }

  /**
   * What its fresh token says, in its turn: whatever is being subscribed to with the rights of the old one is looked at
   * again as well.
   */
  async function renewed(known: Exclude<Identified<User>, { readonly outcome: 'untold' }>) {
    if (state !== 'live') return
    if (known.outcome !== 'known') return fail(refusal(known.outcome))
    if (known.subject !== who!.subject)
      return fail({ code: 'session-ended', message: 'The fresh token is of another user.' })
    Object.assign(who!, { user: known.user, token: true })
    socket.send({ type: 'authed', ...lifetime(known) })
    // A token may bear other rights than the one before.
    await topics.recheck(who!, refuse(undefined))
  }

  function ask(session: string, token: string | undefined) {
    return deps.authenticator.ask({ session, request, ...(token === undefined ? undefined : { token }) })
  }

  function pong() {
    const reconnectSpread = deps.reconnectSpread()
    socket.send({ type: 'pong', ...(reconnectSpread === undefined ? undefined : { reconnectSpread }) })
  }

  function fail(failure: Failure, answers: 'all' | 'under way' = 'under way') {
    if (state === 'ending' || state === 'gone') return
    const live = state === 'live'
    state = 'ending'
    handlers.ending()
    patience.clear()
    asking?.abandon()
    fresh.stop()
    counters.failed[failure.code] = (counters.failed[failure.code] ?? 0) + 1
    const { code, message, id, retryAfter } = failure
    deps.onEvent({ type: 'leg-failed', ...named, code, message })
    const close = () => {
      topics.leaveAll()
      socket.send({
        type: 'error',
        code,
        message,
        ...(id === undefined ? undefined : { id }),
        ...(retryAfter === undefined ? undefined : { retryAfter }),
      })
      socket.close(CLOSE_CODES[code], code, limits.closeTimeout)
    }
    if (answers === 'under way') {
      queue.stop()
      // Whoever may not be here any more sees nothing more.
      topics.leaveAll()
    }
    if (!live || queue.size() === 0) return close()
    // Whoever published something that was applied shall know it before the leg closes.
    const enough = createAlarm(clock, () => {
      queue.stop()
      close()
    })
    enough.set(limits.answerTimeout)
    void queue.idle().then(() => {
      enough.clear()
      close()
    })
  }

  function dropSlow() {
    fail({ code: 'too-slow', message: 'What was sent was not read.' })
  }

  function gone() {
    state = 'gone'
    patience.clear()
    asking?.abandon()
    fresh.stop()
    topics.leaveAll()
    requests.cancelAll()
    rate?.leave()
    // What was received is applied still; only there is nobody left to tell.
    release()
    deps.onEvent({ type: 'leg-gone', ...named })
    handlers.gone()
  }

  function release() {
    if (!admitted || state !== 'gone') return
    const { session, leg } = admitted
    handlers.releasing(
      log.release(session, leg).then(
        ({ last }) => void (last && tellSession('left')),
        (error: unknown) => onError(error, 'releasing a leg'),
      ),
    )
  }

  function tellSession(type: 'joined' | 'left') {
    callOut(
      () => deps.onSession?.({ type, session: admitted!.session, user: who?.user ?? admitted!.user }),
      (error) => onError(error, 'telling of a session'),
    )
  }

  // Read through a function, because an `await` may have changed it.
  function ended() {
    return state === 'ending' || state === 'gone'
  }

  return {
    who: () => who,
    fail,
    send: (frame) => socket.send(frame),
    renewToken(within) {
      if (state !== 'live' || !who!.token || !life.cutShort(within)) return false
      socket.send({ type: 'authed', tokenTtl: within })
      return true
    },
    tend(now, { quiet, dead }) {
      if (state !== 'live') return
      // One that brought a fresh token in time is not to blame for that nobody could check it.
      if (life.over(now))
        return fail(fresh.unchecked ? UNTOLD : { code: 'unauthorized', message: 'The token has run out.' })
      const silent = now - socket.heardAt()
      if (silent >= dead && !socket.paused()) return socket.terminate()
      if (dead < Infinity && socket.stalled(now, limits.stallTimeout)) return dropSlow()
      if (silent >= quiet || (published && now - probedAt >= quiet)) probe()
      if (now - socket.sentAt() >= quiet) pong()
    },
    terminate: () => socket.terminate(),
  }
}

function refusal(outcome: 'refused' | 'untold'): Failure {
  return outcome === 'untold' ? UNTOLD : { code: 'unauthorized', message: 'The token is not valid.' }
}
