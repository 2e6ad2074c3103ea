import type { Random } from '../base/clock.js'
import { bounded, bounds } from './bounds.js'
import { reconnectDelay } from './delay.js'
import { jwtLifetime } from './token-claims.js'

/** No two calls of a token provider in one session are closer than this, whatever asks for them. Milliseconds. */
export const MIN_GAP = 20_000

/** Within this a hidden page's timers have surely run: browsers slow them to one a minute. */
const HIDDEN_LATENESS = 75_000

/**
 * What stays of the spread of hidden pages where the whole range is shorter than that: their frames, which are not
 * slowed, look as well.
 */
const LEAST_SPREAD = 0.25

const RETRY_FLOOR = 5_000
const RETRY_WINDOW = 30_000
const RETRY_CAP = 300_000

/** Ages of one token, in milliseconds from the moment its request started. No clock of another machine is in them. */
export interface TokenSchedule {
  readonly lifetime: number
  /** When to fetch the next one: drawn once, and shared by all tabs that use this token. */
  readonly due: number
  /** The earliest that `due` could have been. */
  readonly earliest: number
  /** From here on it may be refused. */
  readonly dead: number
}

/** Fractions of the lifetime between which a token is refreshed. */
export interface RefreshRange {
  /** Default 0.5. */
  readonly from?: number
  /** Default 0.9. */
  readonly to?: number
}

/**
 * The lifetime of a token in milliseconds: `ttl`, which came with it; else the JWT's own `exp − iat`, a difference
 * within one clock, never `exp − now`; else `otherwise`, else 10 min. A `ttl` that is no positive number counts as
 * absent.
 */
export function tokenLifetime(token: string, ttl: number | undefined, otherwise?: number): number {
  return bounded(positive(ttl) ?? jwtLifetime(token) ?? otherwise, bounds.lifetime)
}

function positive(value: number | undefined): number | undefined {
  return value! > 0 ? value : undefined
}

/** The age from which a token may be refused: its lifetime less what a dial takes. */
function deadAt(lifetime: number): number {
  return lifetime - Math.min(10_000, lifetime * 0.05)
}

/**
 * Draws when a token is refreshed: uniform in 0.5–0.9 of its lifetime (5 to 9 min of 10), once per token. A cohort that
 * logged in together loads a token service with 1.75 times the mean at its first refresh and 1.04 at its seventh; the
 * usual fixed point, with 420 times the mean for ever. The width before `dead` is what makes an outage of a minute
 * invisible.
 */
export function drawTokenSchedule(lifetime: number, range: RefreshRange, random: Random): TokenSchedule {
  const dead = deadAt(lifetime)
  const { from = 0.5, to = 0.9 } = range
  const earliest = Math.min(dead, lifetime * from)
  const latest = Math.min(dead, lifetime * to)
  return { lifetime, due: earliest + random() * (latest - earliest), earliest, dead }
}

/**
 * The schedule after a server said that a token of this `age` has `left` to live. The same word, said again at every
 * reconnection, changes nothing, and one that makes the lifetime longer keeps the place in it that was drawn. One that
 * cuts it short may be a server's that asks everybody at once: what was still open of the draw is stretched over what
 * is left, so that its clients come one after the other whatever their tokens' age. Milliseconds.
 */
export function scheduleByServer(schedule: TokenSchedule, age: number, left: number): TokenSchedule {
  const lifetime = bounded(age + left, bounds.lifetime)
  const scale = lifetime / schedule.lifetime
  const dead = deadAt(lifetime)
  if (scale >= 1) {
    const due = Math.min(dead, schedule.due * scale)
    return { lifetime, due, earliest: Math.min(due, schedule.earliest * scale), dead }
  }
  // What is due at this age is as good as drawn from here on.
  const open = Math.max(age, schedule.earliest)
  const drawn = Math.max(0, schedule.due - open) / Math.max(1, schedule.dead - open)
  const earliest = Math.min(dead, Math.max(age, schedule.earliest * scale))
  return { lifetime, due: earliest + drawn * (dead - earliest), earliest, dead }
}

/**
 * The age at which to refresh. A hidden page's timers run up to a minute late, so there what is too late for them is
 * folded back into the time before; not cut off, for half of all pages are hidden, and they would all be due at the
 * cut. Never before the earliest of the range, or tokens that live a minute or two would be fetched in a loop.
 */
export function refreshDue({ due, earliest, dead }: TokenSchedule, hidden: boolean): number {
  const room = Math.max(dead - HIDDEN_LATENESS - earliest, (dead - earliest) * LEAST_SPREAD)
  if (!hidden || due - earliest <= room) return due
  const folded = (due - earliest) % (2 * room)
  return earliest + Math.min(folded, 2 * room - folded)
}

/**
 * `MIN_GAP`, less for tokens that live so short that it would be most of their life: a quarter of the lifetime, from 1
 * s.
 */
export function callGap(lifetime: number): number {
  return Math.min(MIN_GAP, Math.max(1_000, lifetime / 4))
}

export interface TokenRetryAsk {
  /** Failures in a row before this one: 0 after the first. */
  readonly failures: number
  /** What the provider asked for, in milliseconds: a floor that is stretched, never undercut. */
  readonly retryAfter?: number
  /** Milliseconds until the present token is dead; 0 or less where there is none that lives. */
  readonly left: number
}

/**
 * How long to wait after a provider failed, in milliseconds: `max(5 s, retryAfter) + U(0, w)`, `w = min(300 s, 30 s ·
 * 2ⁿ)` and, while the token lives, at most `max(30 s, half of what it has left)`. That bound works as earliest deadline
 * first: those close to expiry try more often. 1M clients and an outage of 60 s make 7,100 requests a second, against
 * 21,000 for 5–10 s.
 */
export function tokenRetryDelay(ask: TokenRetryAsk, random: Random): number {
  const { failures, left } = ask
  const retryAfter = Math.max(RETRY_FLOOR, bounded(ask.retryAfter, bounds.retryAfter))
  const cap = left > 0 ? Math.min(RETRY_CAP, left / 2) : RETRY_CAP
  return reconnectDelay({ failures, retryAfter, spread: RETRY_WINDOW, cap }, random)
}
