import { BAD_CLOSES, type Verdict } from '../policy/close-verdict.js'
import type { CloseReason, Effect, Event, HandoverAsk, Seat, State, Stop } from './state.js'
import { fail, seatOf, trust, untried, wait, type Draft, type Turn } from './turn.js'

/** Only this client was hit. */
const ALONE: Verdict = { do: 'retry', backoff: 'early' }

/** Dials of such a handover before the server counts as gone: some three seconds of them. */
const EXCLUSIVE_TRIES = 6

export type Step = readonly [State, readonly Effect[]]

export const initialState: State = {
  status: 'idle',
  active: null,
  standby: null,
  old: null,
  wait: 'none',
  exclusive: false,
  between: false,
  legs: 0,
  failures: 0,
  misunderstandings: 0,
  tries: 0,
  unopened: 0,
}

/**
 * The one mechanism: every replacement of a leg is a handover. A reconnection is one whose old leg is already dead, a
 * first connection one that never had any. `step` is pure: no timer, socket, promise, clock or random number; what it
 * returns is carried out by `effects.ts`. Two invariants hold it together, and the explorer in the tests checks both
 * after every step: every open leg is named by the state, and every leg named by the state is open.
 */
export function step(state: State, event: Event): Step {
  const { active, standby, old } = state
  const turn: Turn = {
    ...state,
    active: active && { ...active },
    standby: standby && { ...standby },
    old: old && { ...old },
    effects: [],
  }
  const { status } = state
  const concerns =
    event.type === 'connect' ? status !== 'open' : event.type === 'stop' ? status !== 'closed' : status === 'open'
  if (concerns) (on[event.type] as (turn: Turn, event: Event) => void)(turn, event)
  const { effects, ...after } = turn
  return [after, effects]
}

type Handler<Type> = (turn: Turn, event: Extract<Event, { readonly type: Type }>) => void

/** What becomes of the session at each event, by its name. */
const on: { readonly [Type in Event['type']]: Handler<Type> } = {
  connect(turn, { fresh, exclusive = false, held }) {
    reset(turn, 'open')
    turn.exclusive = exclusive
    if (fresh) turn.legs = 0
    if (held) wait(turn, 'now')
    else dial(turn)
  },

  stop: (turn, event) => stop(turn, event.stop),

  due(turn) {
    if (turn.wait === 'timer') dial(turn)
  },

  dial(turn, { backoff }) {
    if (turn.wait === 'timer') wait(turn, backoff, 0)
  },

  suspend(turn, { lasted }) {
    trust(turn, lasted)
    closeAll(turn, 'suspended')
    untried(turn)
    turn.between = false
    wait(turn, 'spread', turn.failures)
  },

  deadline(turn) {
    const { active } = turn
    const ask = active?.ask
    if (!ask || ask.expired) return
    if (ask.by === 'client') return stay(turn, active, ask, ask.reason === 'silence' ? 'recovered' : 'deadline')
    active.ask = { ...ask, expired: true }
    fail(turn, ask, 'deadline')
  },

  /** Nothing was heard of it and nothing could be reached beside it: it is dead, and to say "live" would be a lie. */
  silent(turn, { lasted }) {
    const { active } = turn
    if (!active) return
    const { ask } = active
    close(turn, active, 'silent')
    if (ask) fail(turn, ask, 'deadline')
    trust(turn, lasted)
    activeGone(turn, ALONE)
  },

  'old-done'(turn) {
    if (!turn.old) return
    close(turn, turn.old, 'handed-over')
    oldGone(turn)
  },

  ready(turn, { leg, same }) {
    const { standby, active } = turn
    if (standby?.leg !== leg) return
    if (same && active?.ask?.by === 'server' && !active.ask.expired) {
      close(turn, standby, 'same-server')
      return standbyFailed(turn, true)
    }
    turn.old = active
    turn.active = { leg, ask: standby.ask }
    turn.standby = null
    turn.between = false
    serve(turn, leg)
    // Served after the cutover; the dwell keeps two servers from playing ping-pong with a client.
    if (standby.ask) wait(turn, 'asked')
  },

  died(turn, { leg, verdict, lasted, opened, code }) {
    const { active, standby, old } = turn
    if (!seatOf(turn, leg)) return
    const newest = standby ?? active
    vacate(turn, leg)
    trust(turn, lasted)
    if (
      verdict.do === 'stop' &&
      (verdict.by === 'session-ended' || (verdict.by === 'superseded' && leg === newest?.leg))
    )
      return stop(turn, verdict)
    if (leg === old?.leg) return oldGone(turn)
    // Rule 7: whatever its code, a standby leg's failure is no more than that while another leg serves.
    if (leg === standby?.leg && active) return standbyFailed(turn, opened, verdict)
    activeGone(turn, verdict, code)
  },

  overflow(turn) {
    if (!turn.standby) return
    close(turn, turn.standby, 'dropped')
    standbyFailed(turn, true)
  },

  asked(turn, { leg, ask }) {
    const { active, standby } = turn
    const seat = seatOf(turn, leg)
    if (!seat) return
    const former = seat.ask
    if (seat !== active) return void (seat.ask = ask)
    if (ask.by === 'client' && former) {
      // It is being left already; whoever asks now only wants it sooner.
      if (turn.wait === 'timer') wait(turn, 'now')
      return
    }
    if (former && former.id !== ask.id) fail(turn, former, 'superseded')
    seat.ask = ask
    // One that leads to the same place takes over what was dialled and tried.
    const elsewhere = former?.url !== ask.url
    if (elsewhere) untried(turn)
    if (standby && (!elsewhere || standby.url === ask.url)) return
    if (standby) close(turn, standby, 'dropped')
    if (turn.wait !== 'room') wait(turn, 'asked')
  },

  cancelled(turn, { leg, id }) {
    const seat = seatOf(turn, leg)
    if (seat?.ask?.id !== id) return
    if (seat === turn.active) stay(turn, seat, seat.ask, 'cancelled')
    else seat.ask = null
  },
}

/** Nobody sits there any more. */
function vacate(turn: Turn, leg: number) {
  if (turn.active?.leg === leg) turn.active = null
  if (turn.standby?.leg === leg) turn.standby = null
  if (turn.old?.leg === leg) turn.old = null
}

/** Comes before any dial of the same step: there are never three legs, not even between two effects. */
function close(turn: Turn, { leg }: Seat, why: CloseReason) {
  vacate(turn, leg)
  turn.effects.push({ do: 'close', leg, why })
}

/** Begins anew; legs are counted on. */
function reset(turn: Turn, status: State['status']) {
  const { exclusive, legs } = turn
  Object.assign(turn, { ...initialState, status, exclusive, legs })
}

/** The active leg goes last: none comes to serve for a moment. */
function closeAll(turn: Turn, why: CloseReason) {
  for (const seat of [turn.standby, turn.old, turn.active]) if (seat) close(turn, seat, why)
}

function stop(turn: Turn, reason: Stop) {
  // Everything is settled before a leg's end is told: who hears of it may connect again.
  turn.effects.push({ do: 'stopped', stop: reason })
  closeAll(turn, 'stopped')
  reset(turn, 'closed')
}

function dial(turn: Turn) {
  const { active } = turn
  if (active && turn.old) return void (turn.wait = 'room')
  const ask = active?.ask ?? null
  // Rule 2: where a dial to `url` failed, the configured URL and `url` have turns.
  const url = turn.tries % 2 === 0 ? (ask?.url ?? null) : null
  if (active && turn.exclusive) {
    close(turn, active, 'exclusive')
    untried(turn)
    turn.between = true
  }
  const leg = ++turn.legs
  turn.standby = { leg, ask: null, url }
  turn.wait = 'none'
  turn.effects.push({ do: 'dial', leg, url, ask })
}

function serve(turn: Turn, leg: number) {
  turn.wait = 'none'
  turn.effects.push({ do: 'serve', leg })
}

function oldGone(turn: Turn) {
  untried(turn)
  if (turn.wait === 'room') dial(turn)
}

/** The standby leg has come to nothing while something else serves, or nothing does. */
function standbyFailed(turn: Turn, opened: boolean, verdict?: Verdict) {
  turn.unopened = opened ? 0 : turn.unopened + 1
  if (turn.active) again(turn, verdict)
  else wait(turn, 'spread', turn.failures)
}

/** The next dial of a handover, of which one came to nothing. */
function again(turn: Turn, verdict?: Verdict) {
  const { unopened, active } = turn
  const slow = verdict?.backoff === 'busy' ? 'busy' : 'spread'
  wait(turn, active?.ask?.expired ? slow : 'again', ++turn.tries, verdict, unopened)
}

/** The active leg is gone, or a standby leg beside which nothing serves. */
function activeGone(turn: Turn, verdict: Verdict, code?: number) {
  const { standby, old } = turn
  // It is not started over: the standby leg becomes the reconnection.
  if (standby) return untried(turn)
  if (!old) return onlyLegGone(turn, verdict, code)
  turn.active = old
  turn.old = null
  serve(turn, old.leg)
  if (old.ask) again(turn, verdict)
}

function onlyLegGone(turn: Turn, verdict: Verdict, code?: number) {
  // Whatever its code: most likely the server has not noticed yet that the leg before is gone.
  if (turn.between && turn.tries < EXCLUSIVE_TRIES && verdict.do !== 'renew-token') return again(turn, verdict)
  untried(turn)
  turn.between = false
  turn.misunderstandings = verdict.bad ? turn.misunderstandings + 1 : 0
  const failures = verdict.ours ? 0 : turn.failures++
  if (verdict.do === 'stop') return stop(turn, verdict)
  if (turn.misunderstandings >= BAD_CLOSES) return stop(turn, { by: 'protocol', code })
  // The token keeper has been told: the dial waits for what it fetches, or it ends the session.
  if (verdict.do === 'renew-token') return wait(turn, 'now')
  wait(turn, verdict.backoff, failures, verdict)
}

/** The active leg need not be left after all. */
function stay(turn: Turn, active: Draft<Seat>, ask: HandoverAsk, why: 'cancelled' | 'deadline' | 'recovered') {
  const { standby } = turn
  untried(turn)
  active.ask = null
  turn.wait = 'none'
  if (standby) close(turn, standby, 'dropped')
  fail(turn, ask, why)
}
