import type { Verdict } from '../policy/close-verdict.js'
import type { Backoff, Effect, HandoverAsk, Seat, State } from './state.js'

export type Draft<Of> = { -readonly [Key in keyof Of]: Of[Key] }

/** A step while it is taken: the state that it leaves, and what it wants done, in that order. */
export interface Turn extends Draft<State> {
  active: Draft<Seat> | null
  standby: (Draft<Seat> & { readonly url: string | null }) | null
  old: Draft<Seat> | null
  readonly effects: Effect[]
}

export function seatOf({ active, standby, old }: Turn, leg: number) {
  return [active, standby, old].find((seat) => seat?.leg === leg)
}

/** A handover that begins, or is over: whatever failed on its way is no omen for the next one. */
export function untried(turn: Turn) {
  turn.tries = turn.unopened = 0
}

/** After a leg that lived long enough, failures of before are no omen either. */
export function trust(turn: Turn, lasted: boolean) {
  if (lasted) turn.failures = turn.misunderstandings = 0
}

/** For the next dial. `failures`: those before it; then what the end of the last one says of when. */
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

/** A handover fails once: one whose deadline has passed was told then. */
export function fail(turn: Turn, ask: HandoverAsk, why: Extract<Effect, { do: 'failed' }>['why']) {
  if (!ask.expired) turn.effects.push({ do: 'failed', ask, why })
}
