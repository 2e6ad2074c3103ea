import { createAlarm } from '../base/alarm.js'
import { instant, since, type Instant } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import type { Merge } from '../link/merge.js'
import type { Outbox } from '../link/outbox.js'
import type { TokenKeeper } from '../link/token-keeper.js'
import { closeVerdict, isAboutLeg, type Verdict } from '../policy/close-verdict.js'
import { agedAfter } from '../policy/delay.js'
import { checkRedirect } from '../policy/redirect.js'
import type { ClientFrame, ErrorFrame, HandoverFrame, ServerFrame } from '../protocol/frames.js'
import { dialUrl, type Settings } from './options.js'
import type { LiveSocketEvents } from './events.js'
import { initialState, step, type Ask, type CloseReason, type Effect, type Event, type Pace, type State, type Stop } from './machine.js'
import { createMoment } from './moment.js'
import { createMoveLog } from './move-log.js'
import { delayOf } from './pace.js'
import { createProtocolLeg, type LegEnd, type ProtocolLeg } from './protocol-leg.js'

/** Carries out what the machine decides: dials and closes legs, sets the alarms, and keeps merge, outbox and token keeper told. */
export interface Coordinator {
  connect(fresh: boolean): void
  stop(stop: Stop): void
  /** The client itself wants to leave the active leg. */
  leave(reason: ClientReason): void
  /**
   * A dial that waits need not wait longer; where the server said that it is busy, or over which time to spread, its word stands.
   * With `patience`, a dial that is under way has so many ms left: it may hang in a network that is no more.
   */
  hasten(patience?: number): void
  /** Only this client was hit: by a change of network, a wake, silence. */
  evidence(): void
  /** Asks every serving leg for a sign of life within `timeout` ms. */
  probe(timeout: number): void
  /** Tells `drained` for that leg once everything that its server had sent by now has arrived, where the protocol can say so. */
  fence(leg: number): void
  /** Puts a frame on a leg. False: that leg takes none. */
  send(leg: number, frame: ClientFrame): boolean
  /** A fresh token: onto the live legs, or, where the protocol has no such frame, by a handover. */
  renew(token: string): void
  /** Looks again at whatever depends on what has come in. */
  settle(): void
  /** Looks again at every deadline: a frame arrived, or the page woke. */
  check(): void
  /** Goes into the back/forward cache: the legs are let go with our own code, and come back with `resume`. */
  suspend(): void
  resume(): void
  /** Drops a standby leg; false where there is none. */
  dropStandby(): boolean
  readonly state: State
  view(): View
}

export type ClientReason = 'application' | 'silence' | 'network' | 'token' | 'age' | 'unanswered'

/** What the public state shows of legs and moves; times are wall-clock ms. */
export interface View {
  readonly leg: { number: number; url: string; server: string; since: number } | null
  readonly handover: { id: string; reason: string; phase: 'waiting' | 'dialling' | 'overlapping'; deadline: number } | null
  readonly retry: { attempt: number; at: number } | null
}

export interface CoordinatorDeps {
  readonly settings: Settings
  readonly id: () => string
  readonly session: () => string
  readonly merge: () => Merge
  readonly outbox: () => Outbox
  readonly tokens: () => TokenKeeper
}

export interface CoordinatorHandlers {
  emit<Type extends keyof LiveSocketEvents>(type: Type, event: LiveSocketEvents[Type]): void
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
  stopped(stop: Stop): void
}

/** A leg that has lived so long is trusted again: see the numbers in DESIGN (accept-then-close loops). */
const LASTED = 30_000
/** A hint that only this client was hit explains a close for so long. */
const EVIDENCE = 3_000
/** Time that a move which the client wants by itself is given; a silent leg gets one connect timeout. */
const OWN_DEADLINE = 30_000
/** Kept of a leg's age limit for the move itself: its deadline, and the minute by which a hidden tab's timer may be late. */
const AGE_ROOM = OWN_DEADLINE + 60_000
/** Moves that the client wants by itself and that can wait for a moment that suits the application. */
const PATIENT: readonly string[] = ['age', 'token'] satisfies ClientReason[]
/** PROTOCOL has no code for "the page sleeps, I will be back"; ours is in the application range, and servers need not know it. */
const SUSPENDED = 4000

export function createCoordinator(deps: CoordinatorDeps, handlers: CoordinatorHandlers): Coordinator {
  const { settings } = deps
  const { clock, random } = settings
  const legs = new Map<number, ProtocolLeg>()
  /** Topics that a leg's server refused before it welcomed the leg. */
  const refused = new Map<number, Set<string>>()
  const moves = createMoveLog(clock, handlers.emit)
  const queue: Event[] = []
  let state = initialState
  let running = false
  /** Of the step that is being carried out. */
  let turn = 0
  let configured: URL | null = null
  let spread: number | undefined
  let hintAt: Instant | null = null
  let dialTook = 0
  let lastPace: Pace = { kind: 'now' }
  let suspended = false
  /** What the legs' servers are told while the application stops. */
  let goodbye: Stop | null = null
  /** A standby leg was refused as unauthorized in this move, and a fresh token has been asked for. */
  let doubted = false
  /** Dials that were under way when the network changed. */
  const suspects = new Set<number>()
  /** The token in force: it may have come while the leg that now serves was waiting for its welcome. */
  let freshest: string | undefined
  const dialAlarm = createAlarm(clock, due)
  const moment = settings.handover.when && createMoment(clock, settings.handover.when, whenThrew)
  const overlapAlarm = createAlarm(clock, () => dispatch({ type: 'old-done' }))
  const deadlineAlarm = createAlarm(clock, () => {
    const active = state.active && legs.get(state.active.leg)
    dispatch({ type: 'deadline', alive: active?.silent === false })
  })
  /**
   * A leg that falls silent while it is to be left anyway has the time of one dial, as any silent one; then it is dead, whatever
   * deadline it was given before: to say "live" would be a lie.
   */
  const lastChance = createAlarm(clock, () => {
    const leg = activeLeg()
    if (!leg?.silent) return
    const reason: CloseReason = 'silent'
    leg.close(1000, reason)
    forget(leg.number)
    lost(leg, { code: 1000, reason, by: 'client' }, { do: 'retry', pace: 'early' })
  })
  /** The active leg comes near its platform's age limit. A move that fails is tried again: the limit does not go away. */
  const ageAlarm = createAlarm(clock, () => {
    ageAlarm.set(OWN_DEADLINE)
    leave('age')
  })
  let deadlineOf: Ask | null = null
  let overlapOf: { leg: number; limit: number } | null = null

  function dispatch(event: Event) {
    // What an effect causes is a later event: each step sees the whole outcome of the one before. But who stops, from within what an
    // effect tells, is stopped when the call returns: what that step had still to do was about legs that are gone.
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
        if (state.standby && state.active?.ask) moves.started(state.active.ask, state.active.leg, state.standby.leg, false)
        armAlarms()
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
        return wait(effect.pace)
      case 'serve':
        return serve(effect.leg)
      case 'failed':
        handlers.emit('handover-failed', { id: effect.ask.id, reason: effect.ask.reason, why: effect.why })
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
    const leg: ProtocolLeg = createProtocolLeg(
      {
        number,
        handover: ask?.by === 'server' ? ask.id : undefined,
        clock,
        protocol: settings.protocol,
        WebSocket: settings.WebSocket,
        connectTimeout: settings.connectTimeout,
        heartbeat: settings.heartbeat,
        token: (signal) => deps.tokens().token(signal),
        url: async (signal) => {
          if (url !== null) return new URL(url)
          configured = await configuredUrl(attempt, signal)
          return new URL(configured)
        },
        hello: (token) => ({ type: 'hello', session: deps.session(), leg: number, token, topics: deps.merge().hello(number), handover: leg.handover }),
      },
      {
        opened: () => handlers.emit('leg-open', { leg: number, url: leg.url }),
        frame: (frame) => {
          if (frame.type === 'welcome') dialTook = since(clock, leg.dialledAt)
          received(leg, frame)
        },
        arrived: check,
        invalid: (rejected) => handlers.emit('invalid', { topic: rejected.topic, reason: rejected.invalid }),
        silent: () => silent(leg),
        died: (end) => died(leg, end),
      },
    )
    legs.set(number, leg)
    handlers.emit('leg-dialling', { leg: number, handover: leg.handover })
    if (ask) moves.started(ask, state.active?.leg ?? number - 1, number, state.exclusive)
  }

  /** The moment of the next dial has come. A move that can wait for one that suits the application does. */
  function due() {
    if (suspended) return
    const ask = state.active?.ask
    const patient = ask && !ask.expired && lastPace.kind === 'asked' && (ask.by === 'server' || PATIENT.includes(ask.reason))
    if (!moment || !patient) return dispatch({ type: 'due' })
    const deadline = Math.max(0, ask.deadline - since(clock, ask.at))
    moment.wait({ id: ask.id, reason: ask.reason, deadline }, () => dispatch({ type: 'due' }))
  }

  function whenThrew(thrown: unknown) {
    handlers.emit('error', { error: new LiveSocketError('invalid', 'handover.when threw; the move goes on.', { cause: thrown }) })
  }

  async function configuredUrl(attempt: number, signal: AbortSignal): Promise<URL> {
    try {
      return dialUrl(typeof settings.url === 'function' ? await settings.url({ attempt, signal }) : settings.url)
    } catch (thrown) {
      const error = thrown instanceof LiveSocketError ? thrown : new LiveSocketError('invalid', 'The url function threw; the dial failed and is tried again.', { cause: thrown })
      if (!signal.aborted) handlers.emit('error', { error })
      throw new LiveSocketError('invalid', 'no URL to dial')
    }
  }

  function close(number: number, why: CloseReason) {
    const leg = forget(number)
    if (!leg) return
    leg.close(goodbye?.code ?? 1000, goodbye?.code === undefined ? why : goodbye.reason)
    deps.merge().gone(number)
    deps.outbox().gone(number)
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

  function wait(pace: Pace) {
    lastPace = pace
    moment?.clear()
    if (pace.kind === 'now') {
      dialAlarm.clear()
      return due()
    }
    const dwell = Math.max(0, settings.handover.dwell - moves.sinceCutover)
    const { spread: ours, cap } = settings.reconnect
    const delay = delayOf(pace, { clock, random, ask: state.active?.ask ?? null, dwell, dialTook, spread: spread ?? ours, cap })
    // A request that replaces another one must not put off a dial that is due already.
    dialAlarm.set(pace.kind === 'asked' && dialAlarm.left !== null ? Math.min(dialAlarm.left, delay) : delay)
    if (pace.kind === 'asked' && delay === 0) {
      dialAlarm.clear()
      due()
    }
  }

  /** A leg serves from here on: a fresh one, or the old one again. */
  function serve(number: number) {
    const leg = legs.get(number)
    if (!leg?.welcome) return
    ageFrom(leg)
    if (moves.lost(number)) return
    const { old } = state
    doubted = false
    deps.merge().ready(number, leg.welcome.topics, refused.get(number) ?? new Set())
    // What that told may have stopped everything.
    if (legs.get(number) !== leg) return
    deps.outbox().ready(number, leg.welcome.maxFrame)
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

  function renew(token: string) {
    freshest = token
    for (const seat of [state.active, state.old]) {
      const leg = seat && legs.get(seat.leg)
      if (!leg?.welcome || leg.token === token) continue
      if (settings.protocol.inBandAuth && leg.send({ type: 'auth', token })) leg.renewed(token)
      else if (seat === state.active) leave('token')
    }
  }

  /** Counted from the dial, as platforms do, and also where an old leg serves again. */
  function ageFrom(leg: ProtocolLeg) {
    const { maxAge } = settings.handover
    if (maxAge === null) return
    const limit = agedAfter(Math.max(maxAge / 2, maxAge - AGE_ROOM), random)
    ageAlarm.set(Math.max(0, limit - since(clock, leg.dialledAt)))
  }

  function received(leg: ProtocolLeg, frame: ServerFrame) {
    handlers.heard(frame)
    switch (frame.type) {
      case 'welcome':
        spread = frame.reconnectSpread ?? spread
        deps.tokens().accepted(leg.token, frame.tokenTtl)
        dispatch({ type: 'ready', leg: leg.number, same: frame.server === activeLeg()?.welcome?.server })
        break
      case 'message':
        deps.merge().message(leg.number, frame)
        break
      case 'subscribed':
        deps.merge().subscribed(leg.number, frame.id, frame.topics)
        break
      case 'ack':
        deps.outbox().acked(frame.id, frame.offset, frame.data)
        break
      case 'nack':
        deps.outbox().nacked(frame.id, frame.code, frame.message, frame.retryAfter, leg.number)
        break
      case 'authed':
        deps.tokens().accepted(leg.token, frame.tokenTtl)
        break
      case 'token':
        deps.tokens().push(frame.token, frame.tokenTtl)
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
    const ask: Ask = { id: deps.id(), reason, by: 'client', url: null, at: instant(clock), deadline, spread: 0, expired: false }
    dispatch({ type: 'asked', leg: state.active.leg, ask })
  }

  function failed(leg: ProtocolLeg, frame: ErrorFrame) {
    const { topic, id, code, message, retryAfter } = frame
    if (isAboutLeg(frame)) return
    const kind = code === 'forbidden' || code === 'too-large' ? code : 'refused'
    if (topic !== undefined) {
      if (!leg.welcome) {
        const topics = refused.get(leg.number) ?? new Set()
        refused.set(leg.number, topics.add(topic))
      }
      deps.merge().refused(leg.number, topic, retryAfter !== undefined, id)
      handlers.emit('error', { error: new LiveSocketError(kind, `The server refused the topic "${topic}": ${message}`, { topic, retryAfter }) })
      return
    }
    if (code === 'too-large') deps.outbox().tooLarge(id!)
    else deps.outbox().nacked(id!, code, message, retryAfter, leg.number)
    // Where it is the id of a `subscribe`, that has answered none of its topics.
    deps.merge().subscribed(leg.number, id, new Map())
  }

  function silent(leg: ProtocolLeg) {
    evidence()
    if (leg.number === state.active?.leg) {
      leave('silence')
      if (state.active?.leg === leg.number && state.active.ask?.reason !== 'silence') lastChance.set(settings.connectTimeout)
    } else if (leg.number === state.old?.leg) dispatch({ type: 'old-done' })
  }

  function died(leg: ProtocolLeg, end: LegEnd) {
    const suspect = suspects.has(leg.number)
    forget(leg.number)
    const { code, reason, opened, error } = end
    const serving = leg.number === state.active?.leg
    const asked = serving && state.active?.ask?.by === 'server'
    const close = { code, reason, opened, error, welcomed: leg.welcome !== null, onlyMe: leg.silent || hinted(), asked }
    const verdict = closeVerdict(close, opened ? ask({ code, reason }) : undefined)
    if (verdict.do === 'retry' && verdict.bad) {
      handlers.emit('error', { error: new LiveSocketError('invalid', `The server closed the connection with ${code}: the two sides do not understand each other.`) })
    }
    if (verdict.do === 'renew-token') refusedToken(leg)
    lost(leg, { code, reason, by: 'server' }, verdict)
    // It was dialled in a network that is no more, and says nothing of the server.
    if (suspect && !opened) hasten()
  }

  /** A leg that was not closed because the machine wanted it. */
  function lost(leg: ProtocolLeg, close: { code: number; reason: string; by: 'client' | 'server' }, verdict: Verdict) {
    const lasted = leg.welcomedAt !== null && since(clock, leg.welcomedAt) >= LASTED
    const wasOld = leg.number === state.old?.leg
    deps.merge().gone(leg.number)
    deps.outbox().gone(leg.number)
    handlers.emit('leg-closed', { leg: leg.number, ...close })
    dispatch({ type: 'died', leg: leg.number, code: close.code, verdict, lasted })
    if (wasOld && moves.finished()) handlers.moved(true)
  }

  /**
   * Refused as the session's only leg, a token is bad, and two fresh ones in a row end the session. Refused on a standby leg it
   * may as well be the new server that is wrong: a fresh one is fetched, once, and whatever that one meets changes nothing.
   */
  function refusedToken(leg: ProtocolLeg) {
    const { active, old } = state
    const only = [active, old].every((seat) => !seat || seat.leg === leg.number)
    if (only) return deps.tokens().rejected(leg.token)
    if (leg.number === old?.leg || doubted) return
    doubted = true
    deps.tokens().request()
  }

  function ask(close: { code: number; reason: string }): 'retry' | 'stop' | undefined {
    if (!settings.onClose) return undefined
    try {
      const answer = settings.onClose(close)
      if (answer === 'retry' || answer === 'stop' || answer === undefined) return answer
      throw new LiveSocketError('invalid', 'onClose must return "retry", "stop" or undefined; the protocol\'s table decided instead.')
    } catch (thrown) {
      const error = thrown instanceof LiveSocketError ? thrown : new LiveSocketError('invalid', 'onClose threw; the protocol\'s table decided instead.', { cause: thrown })
      handlers.emit('error', { error })
      return undefined
    }
  }

  function evidence() {
    hintAt = instant(clock)
  }

  function hinted(): boolean {
    return (hintAt !== null && since(clock, hintAt) < EVIDENCE) || !settings.network.online()
  }

  function activeLeg(): ProtocolLeg | undefined {
    return state.active ? legs.get(state.active.leg) : undefined
  }

  function armAlarms() {
    if (state.wait !== 'timer') {
      dialAlarm.clear()
      moment?.clear()
    }
    if (!state.active) {
      ageAlarm.clear()
      lastChance.clear()
      // Who puts a move off has no say in a reconnection, which is as spread as any.
      if (moment?.waiting) wait({ kind: 'spread', failures: Math.max(0, state.failures - 1) })
    }
    const ask = state.active?.ask && !state.active.ask.expired ? state.active.ask : null
    if (ask?.at !== deadlineOf?.at || ask?.id !== deadlineOf?.id) {
      deadlineOf = ask
      if (ask) deadlineAlarm.set(Math.max(0, ask.deadline - since(clock, ask.at)))
      else deadlineAlarm.clear()
    }
    const limit = state.old === null ? null : overlapLimit()
    if (state.old === null || limit === null) {
      overlapOf = null
      overlapAlarm.clear()
    } else if (overlapOf?.leg !== state.old.leg || overlapOf.limit > limit) {
      overlapOf = { leg: state.old.leg, limit }
      overlapAlarm.set(Math.max(0, limit - since(clock, moves.cutover?.at ?? instant(clock))))
    }
  }

  /** From the cutover on. When the next move waits for room, half of the time that it has is the old leg's. */
  function overlapLimit(): number {
    const ask = state.active?.ask
    const { overlapLimit } = settings.handover
    if (!ask || state.wait === 'none') return overlapLimit
    const passed = since(clock, moves.cutover?.at ?? instant(clock))
    return Math.min(overlapLimit, passed + Math.max(0, ask.deadline - since(clock, ask.at)) / 2)
  }

  function settle() {
    if (running || !state.old) return
    if (deps.merge().caughtUp() && deps.outbox().settled(state.old.leg) && !legs.get(state.old.leg)?.owes) dispatch({ type: 'old-done' })
  }

  function check() {
    dialAlarm.check()
    moment?.check()
    deadlineAlarm.check()
    overlapAlarm.check()
    ageAlarm.check()
    lastChance.check()
    for (const leg of legs.values()) leg.check()
  }

  function hasten(patience?: number) {
    if (patience !== undefined) {
      for (const leg of legs.values()) {
        if (leg.welcome) continue
        leg.hasten(patience)
        suspects.add(leg.number)
      }
    }
    // What a server wants spread stays spread, and what the application puts off stays put off, as long as a leg serves.
    if (state.active ? lastPace.kind === 'asked' : lastPace.kind === 'busy') return
    dispatch({ type: 'hasten', pace: state.active || state.status !== 'open' ? 'now' : 'early' })
  }

  /** The machine is told of one leg after the other; the active one goes last, so that none comes to serve for a moment. */
  function suspend() {
    if (state.status !== 'open') return
    suspended = true
    for (let seat; (seat = state.old ?? state.standby ?? state.active); ) {
      const leg = forget(seat.leg)!
      const reason = 'the page is stored'
      leg.close(SUSPENDED, reason)
      lost(leg, { code: SUSPENDED, reason, by: 'client' }, { do: 'retry', pace: 'spread' })
    }
  }

  return {
    connect(fresh) {
      suspended = false
      dispatch({ type: 'connect', fresh, exclusive: settings.protocol.overlap === 'exclusive' })
    },
    stop(reason) {
      goodbye = reason
      dispatch({ type: 'stop', stop: reason })
      goodbye = null
    },
    leave,
    hasten,
    evidence,
    probe(timeout) {
      for (const leg of legs.values()) if (leg.welcome) leg.probe(timeout)
    },
    fence: (leg) => legs.get(leg)?.barrier(() => handlers.drained(leg)),
    send(leg, frame) {
      // A tab that was frozen may have slept through a sign-out: it learns of it before its first byte.
      deps.tokens().check()
      return legs.get(leg)?.send(frame) ?? false
    },
    renew,
    settle,
    check,
    suspend,
    resume() {
      if (!suspended) return
      suspended = false
      if (lastPace.kind === 'busy' && dialAlarm.left !== null) return dialAlarm.check()
      // People do not all go back to a page at the same moment: there is nothing to spread.
      dispatch({ type: 'hasten', pace: 'now' })
    },
    dropStandby() {
      if (!state.standby) return false
      dispatch({ type: 'overflow' })
      return true
    },
    get state() {
      return state
    },
    view() {
      const leg = activeLeg()
      const ask = state.active?.ask ?? (state.old ? (moves.cutover?.ask ?? null) : null)
      const phase = state.standby ? 'dialling' : state.wait !== 'none' && state.active?.ask ? 'waiting' : 'overlapping'
      return {
        leg: leg?.welcome && leg.welcomedAt ? { number: leg.number, url: leg.url, server: leg.welcome.server, since: leg.welcomedAt.wall } : null,
        handover: state.active && ask ? { id: ask.id, reason: ask.reason, phase, deadline: ask.at.wall + ask.deadline } : null,
        retry: !state.active && state.wait === 'timer' ? { attempt: state.failures, at: clock.now() + (dialAlarm.left ?? 0) } : null,
      }
    },
  }
}
