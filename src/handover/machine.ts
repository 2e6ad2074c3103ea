import { BAD_CLOSES, type Verdict } from '../policy/close-verdict.js'
import type { HandoverAsk, Busy, Died, Effect, Event, Backoff, Seat, State, Stop } from './state.js'

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

/** A handover that begins, or is over: whatever failed on its way is no omen for the next one. */
const UNTRIED = { tries: 0, unopened: 0 }

/**
 * The one mechanism: every replacement of a leg is a handover. A reconnection is one whose old leg is already dead, a
 * first connection one that never had any. `step` is pure: no timer, socket, promise, clock or random number; the
 * coordinator carries out what it returns. Two invariants hold it together, and the explorer in the tests checks both
 * after every step: every open leg is named by the state, and every leg named by the state is open.
 */
export function step(state: State, event: Event): Step {
  if (event.type === 'connect') return state.status === 'open' ? [state, []] : connect(state, event)
  if (state.status !== 'open')
    return event.type === 'stop' && state.status === 'idle' ? stop(state, event.stop) : [state, []]
  switch (event.type) {
    case 'stop':
      return stop(state, event.stop)
    case 'due':
      return state.wait === 'timer' ? dial(state) : [state, []]
    case 'dial':
      return state.wait === 'timer'
        ? wait(state, event.backoff === 'now' ? { kind: 'now' } : { kind: 'early', failures: 0 })
        : [state, []]
    case 'deadline':
      return deadline(state, event.alive)
    case 'old-done':
      return state.old ? then(oldGone(state), { do: 'close', leg: state.old.leg, why: 'handed-over' }) : [state, []]
    case 'ready':
      return ready(state, event.leg, event.same)
    case 'died':
      return died(state, event)
    case 'overflow':
      return state.standby
        ? then(standbyFailed(state, true), { do: 'close', leg: state.standby.leg, why: 'dropped' })
        : [state, []]
    case 'asked':
      return asked(state, event.leg, event.ask)
    case 'cancelled':
      return cancelled(state, event.leg, event.id)
  }
}

/**
 * Puts an effect before those of a step: what closes goes first, so that there are never three legs, not even between
 * two effects.
 */
function then([state, effects]: Step, ...first: Effect[]): Step {
  return [state, [...first, ...effects]]
}

function connect(state: State, { fresh, exclusive = false, held }: Extract<Event, { type: 'connect' }>): Step {
  const next: State = { ...initialState, status: 'open', exclusive, legs: fresh ? 0 : state.legs }
  return held ? wait(next, { kind: 'now' }) : dial(next)
}

function stop(state: State, reason: Stop): Step {
  const open = [state.standby, state.active, state.old].filter((seat) => seat !== null)
  return [
    { ...initialState, status: 'closed', exclusive: state.exclusive, legs: state.legs },
    // Everything is settled before a leg's end is told: who hears of it may connect again.
    [{ do: 'stopped', stop: reason }, ...open.map((seat): Effect => ({ do: 'close', leg: seat.leg, why: 'stopped' }))],
  ]
}

function wait(state: State, backoff: Backoff): Step {
  return [{ ...state, wait: 'timer' }, [{ do: 'wait', backoff }]]
}

function dial(state: State): Step {
  if (state.active && state.old) return [{ ...state, wait: 'room' }, []]
  const ask = state.active?.ask ?? null
  // Rule 2: where a dial to `url` failed, the configured URL and `url` have turns.
  const standby = { leg: state.legs + 1, ask: null, url: state.tries % 2 === 0 ? (ask?.url ?? null) : null }
  const next: State = { ...state, standby, wait: 'none', legs: standby.leg }
  const effect: Effect = { do: 'dial', leg: standby.leg, url: standby.url, ask }
  if (!state.active || !state.exclusive) return [next, [effect]]
  return [
    { ...next, ...UNTRIED, active: null, between: true },
    [{ do: 'close', leg: state.active.leg, why: 'exclusive' }, effect],
  ]
}

function oldGone(state: State): Step {
  const next = { ...state, ...UNTRIED, old: null }
  return state.wait === 'room' ? dial({ ...next, wait: 'none' }) : [next, []]
}

function ready(state: State, leg: number, same: boolean): Step {
  const { standby, active } = state
  if (standby?.leg !== leg) return [state, []]
  if (same && active?.ask?.by === 'server' && !active.ask.expired) {
    return then(standbyFailed(state, true), { do: 'close', leg, why: 'same-server' })
  }
  const next: State = {
    ...state,
    active: { leg, ask: standby.ask },
    old: active,
    standby: null,
    wait: 'none',
    between: false,
  }
  const serve: Effect = { do: 'serve', leg }
  // Served after the cutover; the dwell keeps two servers from playing ping-pong with a client.
  return standby.ask ? then(wait(next, { kind: 'asked' }), serve) : [next, [serve]]
}

/** A standby leg came to nothing while something else serves, or nothing does. The caller closes it if it is open. */
function standbyFailed(state: State, opened: boolean, verdict?: Verdict): Step {
  const next: State = { ...state, standby: null, tries: state.tries + 1, unopened: opened ? 0 : state.unopened + 1 }
  if (!state.active) return wait(next, { kind: 'spread', failures: state.failures })
  return state.active.ask ? wait(next, again(next, state.active.ask, verdict)) : [next, []]
}

/** The pace of the next dial of a handover, of which one came to nothing. */
function again({ tries, unopened }: State, ask: HandoverAsk | null, verdict?: Verdict): Backoff {
  const busy = verdict?.do === 'retry' && verdict.backoff === 'busy'
  const told = busy ? busyOf(verdict) : null
  return ask?.expired
    ? { kind: busy ? 'busy' : 'spread', failures: tries, ...told }
    : { kind: 'again', tries, unopened, ...told }
}

function died(state: State, event: Died): Step {
  const { leg, verdict } = event
  const { active, standby, old } = state
  const known = [active, standby, old].some((seat) => seat?.leg === leg)
  if (!known) return [state, []]
  const newest = Math.max(active?.leg ?? 0, standby?.leg ?? 0, old?.leg ?? 0)
  if (verdict.do === 'stop' && (verdict.by === 'session-ended' || (verdict.by === 'superseded' && leg === newest))) {
    return stop(without(state, leg), { by: verdict.by, code: verdict.code, reason: verdict.reason })
  }
  if (leg === old?.leg) return oldGone(state)
  // Rule 7: whatever its code, a standby leg's failure is no more than that while another leg serves.
  if (leg === standby?.leg && active) return standbyFailed(state, event.opened, verdict)
  if (leg === active?.leg && (standby || old)) return activeGone(state, verdict)
  return onlyLegDied(state, event)
}

/** The active leg is gone and another one lives. */
function activeGone(state: State, verdict?: Verdict): Step {
  const { standby, old } = state
  // It is not started over: the standby leg becomes the reconnection.
  if (standby || !old) return [{ ...state, ...UNTRIED, active: null }, []]
  const next: State = { ...state, active: old, old: null, wait: 'none', tries: state.tries + 1 }
  const serve: Effect = { do: 'serve', leg: old.leg }
  return old.ask ? then(wait(next, again(next, old.ask, verdict)), serve) : [next, [serve]]
}

function onlyLegDied(state: State, { code, verdict, lasted }: Died): Step {
  // Whatever its code: most likely the server has not noticed yet that the leg before is gone.
  if (state.between && state.tries < EXCLUSIVE_TRIES && verdict.do !== 'renew-token') {
    const next: State = { ...state, standby: null, tries: state.tries + 1 }
    return wait(next, again(next, null, verdict))
  }
  const before = lasted ? 0 : state.failures
  const ours = verdict.do === 'retry' && verdict.ours === true
  const failures = ours ? 0 : before
  const bad = verdict.do === 'retry' && verdict.bad === true
  const misunderstandings = bad ? (lasted ? 0 : state.misunderstandings) + 1 : 0
  const next: State = {
    ...state,
    active: null,
    standby: null,
    failures: ours ? before : failures + 1,
    misunderstandings,
    ...UNTRIED,
    between: false,
  }
  if (verdict.do === 'stop') return stop(next, { by: verdict.by, code: verdict.code, reason: verdict.reason })
  if (misunderstandings >= BAD_CLOSES) return stop(next, { by: 'protocol', code })
  // The token keeper has been told: the dial waits for what it fetches, or it ends the session.
  if (verdict.do === 'renew-token') return wait(next, { kind: 'now' })
  // A dial that the request has already put into its window goes on: it is as spread as the server wanted it.
  if (state.wait === 'timer' && verdict.backoff === 'spread') return [next, []]
  return wait(next, { kind: verdict.backoff, failures, ...busyOf(verdict) })
}

function busyOf({ retryAfter, spread }: Busy): Busy | null {
  return retryAfter === undefined ? null : { retryAfter, ...(spread === undefined ? null : { spread }) }
}

function without(state: State, leg: number): State {
  const keep = <S extends Seat>(seat: S | null) => (seat?.leg === leg ? null : seat)
  return { ...state, active: keep(state.active), standby: keep(state.standby), old: keep(state.old) }
}

function asked(state: State, leg: number, ask: HandoverAsk): Step {
  const { active, standby, old } = state
  if (leg === old?.leg) return [{ ...state, old: { ...old, ask } }, []]
  if (leg === standby?.leg) return [{ ...state, standby: { ...standby, ask } }, []]
  if (!active || leg !== active.leg) return [state, []]
  if (ask.by === 'client' && active.ask) {
    // It is being left already; whoever asks now only wants it sooner.
    return state.wait === 'timer' ? wait(state, { kind: 'now' }) : [state, []]
  }
  const replaced = active.ask && active.ask.id !== ask.id ? failed(active.ask, 'superseded') : []
  // One that leads to the same place takes over what was dialled and tried.
  const elsewhere = !active.ask || active.ask.url !== ask.url
  const next: State = { ...state, ...(elsewhere ? UNTRIED : null), active: { leg, ask } }
  if (!standby) return state.wait === 'room' ? [next, replaced] : then(wait(next, { kind: 'asked' }), ...replaced)
  if (!elsewhere || standby.url === ask.url) return [next, replaced]
  return then(wait({ ...next, standby: null }, { kind: 'asked' }), ...replaced, {
    do: 'close',
    leg: standby.leg,
    why: 'dropped',
  })
}

function cancelled(state: State, leg: number, id: string): Step {
  const { active, standby, old } = state
  if (old?.leg === leg && old.ask?.id === id) return [{ ...state, old: { ...old, ask: null } }, []]
  if (standby?.leg === leg && standby.ask?.id === id) return [{ ...state, standby: { ...standby, ask: null } }, []]
  if (active?.leg === leg && active.ask?.id === id) return stay(state, active, active.ask, 'cancelled')
  return [state, []]
}

/** The active leg need not be left after all. */
function stay(state: State, active: Seat, ask: HandoverAsk, why: 'cancelled' | 'deadline' | 'recovered'): Step {
  const drop: Effect[] = state.standby ? [{ do: 'close', leg: state.standby.leg, why: 'dropped' }] : []
  return [
    { ...state, ...UNTRIED, active: { ...active, ask: null }, standby: null, wait: 'none' },
    [...drop, ...failed(ask, why)],
  ]
}

/** A handover fails once: one whose deadline has passed was told then. */
function failed(ask: HandoverAsk, why: Extract<Effect, { do: 'failed' }>['why']): Effect[] {
  return ask.expired ? [] : [{ do: 'failed', ask, why }]
}

function deadline(state: State, alive: boolean): Step {
  const { active, standby } = state
  const ask = active?.ask
  if (!active || !ask || ask.expired) return [state, []]
  if (ask.by === 'server') {
    return [
      { ...state, active: { ...active, ask: { ...ask, expired: true } } },
      [{ do: 'failed', ask, why: 'deadline' }],
    ]
  }
  if (ask.reason !== 'silence') return stay(state, active, ask, 'deadline')
  if (alive) return stay(state, active, ask, 'recovered')
  // Nothing was heard of it and nothing could be reached beside it: it is dead, and to say "live" would be a lie.
  const effects: Effect[] = [{ do: 'close', leg: active.leg, why: 'silent' }, ...failed(ask, 'deadline')]
  if (standby || state.old) return then(activeGone(state), ...effects)
  const next: State = { ...state, ...UNTRIED, active: null, failures: state.failures + 1 }
  return then(wait(next, { kind: 'early', failures: state.failures }), ...effects)
}
