import type { Verdict } from '../policy/close-verdict.js'
import type { Backoff, Effect, HandoverAsk, Seat, State } from './state.js'

export type Draft<Of> = { -readonly [Key in keyof Of]: Of[Key] }

/** A step in progress: the state that results, and the effects in order. */
export interface Turn extends Draft<State> {
  active: Draft<Seat> | null
  standby: (Draft<Seat> & { readonly url: string | null }) | null
  old: Draft<Seat> | null
  readonly effects: Effect[]
}

export function seatOf({ active, standby, old }: Turn, leg: number) {
  return [active, standby, old].find((seat) => seat?.leg === leg)
}

/** A handover begins or is over, so earlier failed dials do not count for the next one. */
export function untried(turn: Turn) {
  turn.tries = turn.unopened = 0
}

/** After a leg that lived long enough, earlier failures do not count either. */
export function trust(turn: Turn, lasted: boolean) {
  if (lasted) turn.failures = turn.misunderstandings = 0
}

/** Schedules the next dial. `failures`: the failures before it. The verdict may say when to come back. */
export function wait(
  turn: Turn,
  kind: Backoff['kind'],
  failures?: number,
  { retryAfter, spread }: Partial<Verdict> = {},
  unopened?: number,
) {
  turn.wait = 'timer'
  turn.effects.push({ do: 'delay', backoff: { kind, failures, unopened, retryAfter, spread } })
}

/** A handover fails only once: when its deadline passed, the failure was already reported. */
export function fail(turn: Turn, ask: HandoverAsk, why: Extract<Effect, { do: 'failed' }>['why']) {
  if (!ask.expired) turn.effects.push({ do: 'failed', ask, why })
}
