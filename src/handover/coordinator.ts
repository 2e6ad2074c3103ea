import { explain } from '../base/explanation.js'
import { between, instant, since, type Instant, type Present } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { closeVerdict, isAboutLeg, type Verdict } from '../policy/close-verdict.js'
import { legFailure, type Failure } from '../policy/leg-failure.js'
import { checkRedirect } from '../policy/redirect.js'
import type { ClientFrame, ErrorFrame, HandoverFrame, ServerFrame } from '../protocol/frames.js'
import { askOnClose, askUrl } from './option-callbacks.js'
import { createDialTimer } from './dial-timer.js'
import { createEarlyAttempts } from './early-attempts.js'
import type { LiveSocketEvents } from './events.js'
import {
  initialState,
  step,
  type Ask,
  type ClientReason,
  type CloseReason,
  type Effect,
  type Event,
  type State,
  type Stop,
} from './machine.js'
import { createMoveLog } from './move-log.js'
import type { Settings } from '../options/options.js'
import { createProtocolLeg, type LegEnd, type ProtocolLeg } from '../legs/protocol-leg.js'
import type { Session } from './session.js'
import { createTimeLimits, OWN_DEADLINE } from './time-limits.js'
import { topicError } from './topic-error.js'
import { viewOf, type View } from './view.js'

/**
 * Carries out what the machine decides: dials and closes legs, sets the alarms, and keeps merge, outbox and token
 * keeper told.
 */
export interface Coordinator {
  /** `held`: nothing is dialled before `resume`. */
  connect(fresh: boolean, held: boolean): void
  stop(stop: Stop): void
  /** The client itself wants to leave the active leg. */
  leave(reason: ClientReason): void
  /**
   * A hint that a dial may succeed now: one that waits need not wait longer. That is once, and seldom again, however
   * many hints come; and where the server said that it is busy, or over which time to spread, its word stands. With
   * `patience`, a dial that is under way has so many ms left: it may hang in a network that is no more. Where it fails
   * all the same, the next one is early.
   */
  hasten(patience?: number): void
  /** Only this client was hit: by a change of network, a wake, silence. */
  evidence(): void
  /**
   * The page may be left, or not: Firefox closes its sockets now, with a clean 1001, as a server does that goes away.
   */
  leaving(): void
  /** Asks every serving leg for a sign of life within `timeout` ms. */
  probe(timeout: number): void
  /**
   * Tells `drained` for that leg once everything that its server had sent by now has arrived, where the protocol can
   * say so.
   */
  fence(leg: number): void
  /** Puts a frame on a leg. False: that leg takes none. */
  send(leg: number, frame: ClientFrame): boolean
  /** A fresh token: onto the live legs, or, where the protocol has no such frame, by a handover. */
  renew(token: string): void
  /** Looks again at whatever depends on what has come in. */
  settle(): void
  /** Goes into the back/forward cache: the legs are let go with our own code, and come back with `resume`. */
  suspend(): void
  /** False: nothing was suspended or held. */
  resume(): boolean
  /** Drops a standby leg; false where there is none. */
  dropStandby(): boolean
  readonly state: State
  view(): View
}

export interface CoordinatorDeps {
  readonly settings: Settings
  readonly present: Present
  readonly id: () => string
  /** The present one: another one from the moment at which it ends. */
  readonly session: () => Session
}

export interface CoordinatorHandlers {
  emit<Type extends keyof LiveSocketEvents>(type: Type, event: LiveSocketEvents[Type]): void
  error(error: LiveSocketError): void
  /** A frame, any frame, arrived. */
  heard(frame: ServerFrame): void
  changed(): void
  /** A leg serves the application; `planned`: another one served until this moment. */
  served(planned: boolean): void
  /** Nothing that its server has sent is still on its way on that leg. */
  drained(leg: number): void
  /** A move is over, and the leg it led to serves; `planned` as in `served`. */
  moved(planned: boolean): void
  moveFailed(why: LiveSocketEvents['handover-failed']['why']): void
  /** The server does not give a topic; with `retryAfter` it is asked again. */
  refused(error: LiveSocketError): void
  /** Nothing serves, and this is the newest reason. */
  failed(failure: Failure): void
  stopped(stop: Stop): void
}

/**
 * A leg that has lived so long is trusted again: one that is accepted and closed at once, again and again, is no
 * success.
 */
const LASTED = 30_000
/** A hint that only this client was hit explains a close for so long. */
const EVIDENCE = 3_000
/** A dial that is due within this time is early already. */
const SOON = 1_050
/**
 * A dial beside a leg that serves has this part of `connectTimeout` to open: Firefox lets no other one to that host
 * pass it meanwhile.
 */
const OPEN_PART = 0.5
/**
 * Frames that come within this time of the last look at clocks, and at the storage that tabs share, are no reason for
 * another one, ms.
 */
const LOOK_AFTER = 50
/**
 * The protocol has no code for "the page sleeps, I will be back"; ours is in the application range, and servers need
 * not know it.
 */
const SUSPENDED = 4000

export function createCoordinator(deps: CoordinatorDeps, handlers: CoordinatorHandlers): Coordinator {
  const { settings } = deps
  const { clock } = settings
  const legs = new Map<number, ProtocolLeg>()
  /**
   * Topics that a leg's server refused before it welcomed the leg, or ended when it was left: told when it serves, or
   * goes on to, which it may never do.
   */
  const refused = new Map<number, Map<string, LiveSocketError>>()
  const moves = createMoveLog(clock, handlers.emit)
  const queue: Event[] = []
  let state = initialState
  let running = false
  /** Of the step that is being carried out. */
  let turn = 0
  let configured: URL | null = null
  let spread: number | undefined
  let hintAt: Instant | null = null
  let leavingAt: Instant | null = null
  /** The legs that were there then. What is dialled afterwards no such navigation closes. */
  const thereThen = new Set<number>()
  /** A leg has served since `connect`. */
  let everServed = false
  /** Where the last dial went in vain, or where the leg is that fell silent. */
  let inVain: string | null = null
  let dialTook = 0
  let lookedAt: Instant | null = null
  /** What the legs' servers are told while the application stops. */
  let goodbye: Stop | null = null
  /** A standby leg was refused as unauthorized in this move, and a fresh token has been asked for. */
  let doubted = false
  /** Dials that were under way when a hint came. */
  const suspects = new Set<number>()
  const early = createEarlyAttempts(clock)
  /** The token in force: it may have come while the leg that now serves was waiting for its welcome. */
  let freshest: string | undefined
  const dialTimer = createDialTimer(
    {
      settings,
      ask: () => state.active?.ask ?? null,
      sinceCutover: () => moves.sinceCutover,
      dialTook: () => dialTook,
      spread: () => spread,
    },
    {
      due: () => dispatch({ type: 'due' }),
      whenThrew: (cause) =>
        report(new LiveSocketError('invalid', explain`handover.when threw; the move goes on.`, { cause })),
    },
  )
  const limits = createTimeLimits(settings, {
    deadline: () => dispatch({ type: 'deadline', alive: activeLeg()?.silent === false }),
    overlapOver: () => dispatch({ type: 'old-done' }),
    aged: () => leave('age'),
    lastChanceOver() {
      const leg = activeLeg()
      if (leg?.silent) letGo(leg, 1000, 'silent', { do: 'retry', pace: 'early' })
    },
  })

  function dispatch(event: Event) {
    // What an effect causes is a later event: each step sees the whole outcome of the one before. But who stops, from
    // within what an effect tells, is stopped when the call returns: what that step had still to do was about legs that
    // are gone.
    const stops = event.type === 'stop' && state.status !== 'closed'
    if (stops) queue.length = 0
    queue.push(event)
    if (running && !stops) return
    const outer = running
    running = true
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const mine = ++turn
        const [after, effects] = step(state, next)
        state = after
        for (const effect of effects) {
          carryOut(effect)
          if (turn !== mine) break
        }
        // A request may take over the dial of the one that it replaces.
        if (state.standby && state.active?.ask)
          moves.started(state.active.ask, state.active.leg, state.standby.leg, false)
        if (state.wait !== 'timer') dialTimer.clear()
        // Who puts a move off has no say in a reconnection, which is as spread as any.
        else if (!state.active && dialTimer.putOff)
          dialTimer.wait({ kind: 'spread', failures: Math.max(0, state.failures - 1) })
        limits.follow(state, moves.cutover?.at)
      }
    } finally {
      running = outer
    }
    handlers.changed()
    settle()
  }

  function carryOut(effect: Effect) {
    switch (effect.do) {
      case 'dial':
        return dial(effect.leg, effect.url, effect.ask)
      case 'close':
        return close(effect.leg, effect.why)
      case 'wait':
        return dialTimer.wait(effect.pace)
      case 'serve':
        return serve(effect.leg)
      case 'failed':
        handlers.emit('handover-failed', { id: effect.ask.id, reason: effect.ask.reason, why: effect.why })
        tellRefused(state.active?.leg)
        if (effect.why !== 'superseded') handlers.moveFailed(effect.why)
        return
      case 'stopped':
        freshest = undefined
        moves.forget()
        return handlers.stopped(effect.stop)
    }
  }

  function dial(number: number, url: string | null, ask: Ask | null) {
    const attempt = state.failures + state.tries
    const reason = ask ? 'handover' : everServed ? 'reconnect' : 'first'
    const failed = inVain
    const leg: ProtocolLeg = createProtocolLeg(
      {
        number,
        handover: ask?.by === 'server' ? ask.id : undefined,
        clock,
        present: deps.present,
        protocol: settings.protocol,
        WebSocket: settings.WebSocket,
        connectTimeout: settings.connectTimeout,
        openTimeout: settings.connectTimeout * (state.active ? OPEN_PART : 1),
        heartbeat: settings.heartbeat,
        unanswered: () => !deps.session().outbox.settled(number),
        token: (signal) => deps.session().tokens.token(signal),
        url: async (signal) => {
          if (url !== null) return new URL(url)
          configured = await askUrl(settings.url, { attempt, reason, failed, signal }, report)
          return new URL(configured)
        },
        hello: (token) => ({
          type: 'hello',
          session: deps.session().id,
          leg: number,
          token,
          topics: deps.session().merge.hello(number),
          handover: leg.handover,
        }),
      },
      {
        opened: () => handlers.emit('leg-open', { leg: number, url: leg.url }),
        frame: (frame) => {
          if (frame.type === 'welcome') dialTook = since(clock, leg.dialledAt)
          received(leg, frame)
        },
        arrived,
        invalid: (rejected) => handlers.emit('invalid', { topic: rejected.topic, reason: rejected.invalid }),
        silent: () => silent(leg),
        died: (end) => died(leg, end),
      },
    )
    legs.set(number, leg)
    handlers.emit('leg-dialling', { leg: number, handover: leg.handover })
    if (ask) moves.started(ask, state.active?.leg ?? number - 1, number, state.exclusive)
  }

  function report(error: LiveSocketError) {
    handlers.error(error)
  }

  function close(number: number, why: CloseReason) {
    const leg = forget(number)
    if (!leg) return
    if (why === 'same-server') inVain = leg.url
    if (why === 'silent') handlers.failed({ code: 'lost', message: why })
    leg.close(goodbye?.code ?? 1000, goodbye?.code === undefined ? why : goodbye.reason)
    deps.session().merge.gone(number)
    deps.session().outbox.gone(number)
    handlers.emit('leg-closed', { leg: number, code: 1000, reason: why, by: 'client' })
    if (why === 'handed-over' && moves.finished()) handlers.moved(true)
  }

  function forget(number: number): ProtocolLeg | undefined {
    const leg = legs.get(number)
    legs.delete(number)
    refused.delete(number)
    suspects.delete(number)
    return leg
  }

  /** A leg serves from here on: a fresh one, or the old one again. */
  function serve(number: number) {
    const leg = legs.get(number)
    if (!leg?.welcome) return
    limits.ageFrom(leg.dialledAt)
    if (moves.lost(number)) return tellRefused(number)
    const { old } = state
    doubted = false
    const refusals = [...(refused.get(number)?.values() ?? [])]
    refused.delete(number)
    // One that is refused for now is asked for again, as one that was left out.
    const forGood = refusals.filter(({ retryAfter }) => retryAfter === undefined).map(({ topic }) => topic!)
    deps.session().merge.ready(number, leg.welcome.topics, new Set(forGood))
    // What that told may have stopped everything.
    if (legs.get(number) !== leg) return
    for (const error of refusals) handlers.refused(error)
    if (legs.get(number) !== leg) return
    deps.session().outbox.ready(number, leg.welcome.maxFrame)
    handlers.emit('leg-ready', { leg: number, url: leg.url, server: leg.welcome.server })
    if (legs.get(number) !== leg) return
    if (old?.ask) moves.cut(old.ask, old.leg, number)
    else {
      moves.served(number)
      handlers.moved(false)
    }
    handlers.served(old !== null)
    if (freshest !== undefined && leg.token !== undefined) renew(freshest)
  }

  /**
   * A server that goes ends its topics first. Where it numbers nothing, what another leg carries is not for this one to
   * end.
   */
  function isLeft(number: number): boolean {
    const { active, old } = state
    return settings.protocol.merge !== 'log' && (number === old?.leg || (number === active?.leg && active.ask !== null))
  }

  function tellRefused(number: number | undefined) {
    const errors = [...(refused.get(number!)?.values() ?? [])]
    refused.delete(number!)
    for (const error of errors) handlers.emit('error', { error })
  }

  function renew(token: string) {
    freshest = token
    for (const seat of [state.active, state.old]) {
      const leg = seat && legs.get(seat.leg)
      if (!leg?.welcome || leg.token === token) continue
      if (settings.protocol.inBandAuth && leg.send({ type: 'auth', token })) leg.renewed(token)
      else if (seat === state.active) leave('token')
    }
  }

  function received(leg: ProtocolLeg, frame: ServerFrame) {
    handlers.heard(frame)
    switch (frame.type) {
      case 'welcome':
        spread = frame.reconnectSpread ?? spread
        inVain = null
        everServed = true
        early.welcomed()
        deps.session().tokens.accepted(leg.token, frame.tokenTtl)
        dispatch({ type: 'ready', leg: leg.number, same: frame.server === activeLeg()?.welcome?.server })
        break
      case 'message':
        deps.session().merge.message(leg.number, frame)
        break
      case 'subscribed':
        deps.session().merge.subscribed(leg.number, frame.id, frame.topics)
        break
      case 'ack':
        deps.session().outbox.acked(frame.id, frame.offset, frame.data, frame.epoch)
        break
      case 'nack':
        deps.session().outbox.nacked(frame.id, frame.code, frame.message, frame.retryAfter, leg.number, frame.data)
        break
      case 'authed':
        deps.session().tokens.accepted(leg.token, frame.tokenTtl)
        break
      case 'token':
        deps.session().tokens.push(frame.token, frame.tokenTtl)
        break
      case 'handover':
        asked(leg.number, frame)
        break
      case 'handover-cancelled':
        dispatch({ type: 'cancelled', leg: leg.number, id: frame.id })
        break
      case 'error':
        failed(leg, frame)
        break
      case 'drained':
        handlers.drained(leg.number)
        break
      case 'pong':
        spread = frame.reconnectSpread ?? spread
    }
    settle()
  }

  function asked(number: number, frame: HandoverFrame) {
    let url: string | null = null
    if (frame.url !== undefined && configured) {
      const verdict = checkRedirect(frame.url, configured, settings.handover.redirectOrigins)
      if ('url' in verdict) url = verdict.url
      else handlers.emit('redirect-refused', { reason: verdict.refused })
    }
    if (!legs.has(number)) return
    const { id, reason, deadline, spread: over = 0 } = frame
    handlers.emit('handover-requested', { id, reason, deadline, spread: over })
    const ask: Ask = { id, reason, by: 'server', url, at: instant(clock), deadline, spread: over, expired: false }
    dispatch({ type: 'asked', leg: number, ask })
  }

  function leave(reason: ClientReason) {
    if (!state.active) return
    const deadline = reason === 'silence' ? settings.connectTimeout : OWN_DEADLINE
    const ask: Ask = {
      id: deps.id(),
      reason,
      by: 'client',
      url: null,
      at: instant(clock),
      deadline,
      spread: 0,
      expired: false,
    }
    dispatch({ type: 'asked', leg: state.active.leg, ask })
  }

  function failed(leg: ProtocolLeg, frame: ErrorFrame) {
    const { topic, id, code, message, retryAfter } = frame
    if (isAboutLeg(frame)) return
    if (topic !== undefined) {
      const error = topicError(frame, topic)
      if (!leg.welcome || isLeft(leg.number))
        return void refused.set(
          leg.number,
          (refused.get(leg.number) ?? new Map<string, LiveSocketError>()).set(topic, error),
        )
      deps.session().merge.refused(leg.number, topic, retryAfter !== undefined, id)
      return handlers.refused(error)
    }
    if (code === 'too-large') deps.session().outbox.tooLarge(id!)
    else deps.session().outbox.nacked(id!, code, message, retryAfter, leg.number)
    // Where it is the id of a `subscribe`, that has answered none of its topics.
    deps.session().merge.subscribed(leg.number, id, new Map())
  }

  function silent(leg: ProtocolLeg) {
    evidence()
    if (leg.number === state.active?.leg) {
      inVain = leg.url
      leave('silence')
      if (state.active?.leg === leg.number && state.active.ask?.reason !== 'silence') limits.lastChance()
    } else if (leg.number === state.old?.leg) dispatch({ type: 'old-done' })
  }

  function died(leg: ProtocolLeg, end: LegEnd) {
    const suspect = suspects.has(leg.number)
    forget(leg.number)
    const { code, reason, opened, error } = end
    if (!leg.welcome && leg.url !== '') inVain = leg.url
    const serving = leg.number === state.active?.leg
    const asked = serving && state.active?.ask?.by === 'server'
    const close = {
      code,
      reason,
      opened,
      error,
      welcomed: leg.welcome !== null,
      onlyMe: leg.silent || hinted(),
      leaving: lately(leavingAt) && thereThen.has(leg.number),
      asked,
    }
    const verdict = closeVerdict(close, opened ? askOnClose(settings.onClose, { code, reason }, report) : undefined)
    if (verdict.do === 'retry' && verdict.bad) {
      report(
        new LiveSocketError(
          'invalid',
          explain`The server closed the connection with ${code}: the two sides do not understand each other.`,
        ),
      )
    }
    lost(leg, { code, reason, by: 'server' }, verdict, opened, error)
    // What says nothing of the server is no reason to stay away from it: a dial from before the hint, a leg that only
    // this client lost.
    if ((suspect && !opened) || (verdict.do === 'retry' && verdict.pace === 'early')) hasten()
  }

  /** Closes a leg that the machine did not want closed. */
  function letGo(leg: ProtocolLeg, code: number, reason: string, verdict: Verdict) {
    leg.close(code, reason)
    forget(leg.number)
    lost(leg, { code, reason, by: 'client' }, verdict, true)
  }

  /** A leg that was not closed because the machine wanted it. */
  function lost(
    leg: ProtocolLeg,
    close: { code: number; reason: string; by: 'client' | 'server' },
    verdict: Verdict,
    opened: boolean,
    error?: ErrorFrame,
  ) {
    if (isAlone(leg))
      handlers.failed(
        legFailure(
          { ...close, error, url: leg.url, welcomed: leg.welcome !== null },
          verdict,
          globalThis.location?.origin,
        ),
      )
    if (verdict.do === 'renew-token') refusedToken(leg)
    const lasted = leg.welcomedAt !== null && since(clock, leg.welcomedAt) >= LASTED
    const wasOld = leg.number === state.old?.leg
    deps.session().merge.gone(leg.number)
    deps.session().outbox.gone(leg.number)
    handlers.emit('leg-closed', { leg: leg.number, ...close })
    dispatch({ type: 'died', leg: leg.number, code: close.code, verdict, opened, lasted })
    if (wasOld && moves.finished()) handlers.moved(true)
  }

  /**
   * Refused as the session's only leg, a token is bad, and two fresh ones in a row end the session. Refused on a
   * standby leg it may as well be the new server that is wrong: a fresh one is fetched, once, and whatever that one
   * meets changes nothing.
   */
  function refusedToken(leg: ProtocolLeg) {
    if (isAlone(leg)) return deps.session().tokens.rejected(leg.token)
    if (leg.number === state.old?.leg || doubted) return
    doubted = true
    deps.session().tokens.request()
  }

  /** Nothing serves beside it. */
  function isAlone(leg: ProtocolLeg): boolean {
    return [state.active, state.old].every((seat) => !seat || seat.leg === leg.number)
  }

  function evidence() {
    hintAt = instant(clock)
  }

  function hinted(): boolean {
    return lately(hintAt) || lately(leavingAt) || !settings.network.online()
  }

  function lately(at: Instant | null): boolean {
    return at !== null && since(clock, at) < EVIDENCE
  }

  function activeLeg(): ProtocolLeg | undefined {
    return state.active ? legs.get(state.active.leg) : undefined
  }

  function settle() {
    if (running || !state.old) return
    if (
      deps.session().merge.caughtUp() &&
      deps.session().outbox.settled(state.old.leg) &&
      !legs.get(state.old.leg)?.owes
    )
      dispatch({ type: 'old-done' })
  }

  function arrived(at: Instant) {
    if (lookedAt && between(lookedAt, at) < LOOK_AFTER) return
    lookedAt = at
    deps.session().tokens.check()
    clock.check()
  }

  function hasten(patience?: number) {
    for (const leg of legs.values()) {
      if (leg.welcome) continue
      // It is cut short only where the next one need not wait.
      if (patience !== undefined && early.left) leg.hasten(patience)
      suspects.add(leg.number)
    }
    clock.check()
    // What a server wants spread stays spread, and what the application puts off stays put off, as long as a leg
    // serves.
    if (state.wait !== 'timer' || dialTimer.busy || (state.active && dialTimer.pace.kind === 'asked')) return
    if ((dialTimer.left ?? 0) <= SOON || !early.left) return
    early.take()
    dispatch({ type: 'hasten', pace: state.active ? 'now' : 'early' })
  }

  /**
   * The machine is told of one leg after the other; the active one goes last, so that none comes to serve for a moment.
   */
  function suspend() {
    if (state.status !== 'open') return
    dialTimer.pause()
    for (let seat; (seat = state.old ?? state.standby ?? state.active); ) {
      letGo(legs.get(seat.leg)!, SUSPENDED, 'the page is stored', { do: 'retry', pace: 'spread' })
    }
  }

  return {
    connect(fresh, held) {
      everServed = false
      inVain = null
      dialTimer.resume()
      if (held) dialTimer.pause()
      dispatch({ type: 'connect', fresh, held, exclusive: settings.protocol.overlap === 'exclusive' })
    },
    stop(reason) {
      goodbye = reason
      dispatch({ type: 'stop', stop: reason })
      goodbye = null
    },
    leave,
    hasten,
    evidence,
    leaving() {
      leavingAt = instant(clock)
      thereThen.clear()
      for (const leg of legs.keys()) thereThen.add(leg)
    },
    probe(timeout) {
      for (const leg of legs.values()) if (leg.welcome) leg.probe(timeout)
    },
    fence: (leg) => legs.get(leg)?.barrier(() => handlers.drained(leg)),
    send(leg, frame) {
      // A tab that was frozen may have slept through a sign-out: it learns of it before its first byte.
      deps.session().tokens.check()
      return legs.get(leg)?.send(frame) ?? false
    },
    renew,
    settle,
    suspend,
    resume() {
      if (!dialTimer.resume()) return false
      if (dialTimer.busy && dialTimer.left !== null) clock.check()
      // People do not all go back to a page at the same moment: there is nothing to spread.
      else dispatch({ type: 'hasten', pace: 'now' })
      return true
    },
    dropStandby() {
      if (!state.standby) return false
      dispatch({ type: 'overflow' })
      return true
    },
    get state() {
      return state
    },
    view: () =>
      viewOf(state, {
        leg: activeLeg(),
        overlapping: moves.cutover?.ask ?? null,
        dialAt: clock.now() + (dialTimer.left ?? 0),
      }),
  }
}
