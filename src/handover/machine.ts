import { BAD_CLOSES, type Verdict } from '../policy/close-verdict.js'
import type { CloseReason, Effect, Event, HandoverAsk, Seat, State, Stop } from './state.js'
import { fail, seatOf, trust, untried, wait, type Draft, type Turn } from './turn.js'

/** The verdict for a close that hit only this client. */
const ALONE: Verdict = { do: 'retry', backoff: 'early' }

/** How many dials an exclusive handover makes before the server counts as gone: about three seconds of them. */
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
 * The one mechanism: every replacement of a leg is a handover. A reconnection is a handover whose old leg is already
 * dead, a first connection one that never had an old leg. `step` is pure: no timer, socket, promise, clock or random
 * number. `effects.ts` carries out the effects that it returns. Two invariants hold it together, and the explorer in
 * the tests checks both after every step: every open leg is named by the state, and every leg named by the state is
 * open.
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

/** How each event changes the state, by its name. */
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

  /**
   * Nothing arrived on the active leg, and no new leg could be reached beside it. It is dead, and the status must not
   * go on saying "live".
   */
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
    // The request is served after the cutover. The dwell keeps two servers from sending a client back and forth.
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
    // Client rule 7: whatever the code, a failed standby leg changes nothing else while another leg serves.
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
      // The leg is being left already; another request of the client only makes it sooner.
      if (turn.wait === 'timer') wait(turn, 'now')
      return
    }
    if (former && former.id !== ask.id) fail(turn, former, 'superseded')
    seat.ask = ask
    // A request for the same place takes over what was already dialled and tried.
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

/** Removes that leg from its seat. */
function vacate(turn: Turn, leg: number) {
  if (turn.active?.leg === leg) turn.active = null
  if (turn.standby?.leg === leg) turn.standby = null
  if (turn.old?.leg === leg) turn.old = null
}

/** Must precede any dial of the same step: there are never three legs, not even between two effects. */
function close(turn: Turn, { leg }: Seat, why: CloseReason) {
  vacate(turn, leg)
  turn.effects.push({ do: 'close', leg, why })
}

/** Resets the state, except for the leg counter. */
function reset(turn: Turn, status: State['status']) {
  const { exclusive, legs } = turn
  Object.assign(turn, { ...initialState, status, exclusive, legs })
}

/** Closes the active leg last, so that no other leg serves for a moment. */
function closeAll(turn: Turn, why: CloseReason) {
  for (const seat of [turn.standby, turn.old, turn.active]) if (seat) close(turn, seat, why)
}

function stop(turn: Turn, reason: Stop) {
  // Everything is settled before the end of a leg is reported, because a listener may connect again.
  turn.effects.push({ do: 'stopped', stop: reason })
  closeAll(turn, 'stopped')
  reset(turn, 'closed')
}

function dial(turn: Turn) {
  const { active } = turn
  if (active && turn.old) return void (turn.wait = 'room')
  const ask = active?.ask ?? null
  // Client rule 2: after a failed dial to `url`, the configured URL and `url` take turns.
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

/** The standby leg has failed, whether or not another leg serves. */
function standbyFailed(turn: Turn, opened: boolean, verdict?: Verdict) {
  turn.unopened = opened ? 0 : turn.unopened + 1
  if (turn.active) again(turn, verdict)
  else wait(turn, 'spread', turn.failures)
}

/** Schedules the next dial of a handover after a failed one. */
function again(turn: Turn, verdict?: Verdict) {
  const { unopened, active } = turn
  const slow = verdict?.backoff === 'busy' ? 'busy' : 'spread'
  wait(turn, active?.ask?.expired ? slow : 'again', ++turn.tries, verdict, unopened)
}

/** The active leg is gone, or a standby leg beside which no leg serves. */
function activeGone(turn: Turn, verdict: Verdict, code?: number) {
  const { standby, old } = turn
  // The standby leg becomes the reconnection; it is not started over.
  if (standby) return untried(turn)
  if (!old) return onlyLegGone(turn, verdict, code)
  turn.active = old
  turn.old = null
  serve(turn, old.leg)
  if (old.ask) again(turn, verdict)
}

function onlyLegGone(turn: Turn, verdict: Verdict, code?: number) {
  // Whatever the code, the server has most likely not noticed yet that the previous leg is gone.
  if (turn.between && turn.tries < EXCLUSIVE_TRIES && verdict.do !== 'renew-token') return again(turn, verdict)
  untried(turn)
  turn.between = false
  turn.misunderstandings = verdict.bad ? turn.misunderstandings + 1 : 0
  const failures = verdict.ours ? 0 : turn.failures++
  if (verdict.do === 'stop') return stop(turn, verdict)
  if (turn.misunderstandings >= BAD_CLOSES) return stop(turn, { by: 'protocol', code })
  // The token keeper knows of the refusal: the dial waits for the token that it fetches, or it ends the session.
  if (verdict.do === 'renew-token') return wait(turn, 'now')
  wait(turn, verdict.backoff, failures, verdict)
}

/** The active leg need not be left any more. */
function stay(turn: Turn, active: Draft<Seat>, ask: HandoverAsk, why: 'cancelled' | 'deadline' | 'recovered') {
  const { standby } = turn
  untried(turn)
  active.ask = null
  turn.wait = 'none'
  if (standby) close(turn, standby, 'dropped')
  fail(turn, ask, why)
}
