import type { Random } from '../base/clock.js'
import { bounded, bounds } from './bounds.js'
import { reconnectDelay } from './delay.js'
import { jwtLifetime } from './token-claims.js'

/** The least gap between two calls of a token provider in one session, whatever asks for them. Milliseconds. */
export const MIN_GAP = 20_000

/** Within this many milliseconds a hidden page's timers have certainly run: browsers slow them down to one a minute. */
const HIDDEN_LATENESS = 75_000

/**
 * The fraction of the range over which hidden pages still spread if the whole range is shorter than that lateness.
 * Arriving frames are not slowed down, and trigger the check as well.
 */
const LEAST_SPREAD = 0.25

const RETRY_FLOOR = 5_000
const RETRY_WINDOW = 30_000
const RETRY_CAP = 300_000

/** Ages of one token, in milliseconds from the start of its request. No other machine's clock is involved. */
export interface TokenSchedule {
  readonly lifetime: number
  /** When to fetch the next token: drawn once, and shared by all tabs that use this token. */
  readonly due: number
  /** The earliest that `due` could have been. */
  readonly earliest: number
  /** The age from which the token may be refused. */
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
 * The lifetime of a token in milliseconds: `ttl`, which came with the token; else the JWT's own `exp − iat`, a
 * difference within one clock, never `exp − now`; else `otherwise`; else 10 min. A `ttl` that is not a positive number
 * counts as absent.
 */
export function tokenLifetime(token: string, ttl: number | undefined, otherwise?: number): number {
  return bounded(positive(ttl) ?? jwtLifetime(token) ?? otherwise, bounds.lifetime)
}

function positive(value: number | undefined): number | undefined {
  return value! > 0 ? value : undefined
}

/** The age from which a token may be refused: its lifetime less the time that a dial takes. */
function deadAt(lifetime: number): number {
  return lifetime - Math.min(10_000, lifetime * 0.05)
}

/**
 * Draws when a token is refreshed: uniform in 0.5–0.9 of its lifetime (5 to 9 min of 10), once per token. Clients that
 * logged in together then load a token service with 1.75 times the mean rate at their first refresh and 1.04 times at
 * the seventh. With the usual fixed point it is 420 times the mean, every time. The time left before `dead` makes an
 * outage of a minute invisible.
 */
export function drawTokenSchedule(lifetime: number, range: RefreshRange, random: Random): TokenSchedule {
  const dead = deadAt(lifetime)
  const { from = 0.5, to = 0.9 } = range
  const earliest = Math.min(dead, lifetime * from)
  const latest = Math.min(dead, lifetime * to)
  return { lifetime, due: earliest + random() * (latest - earliest), earliest, dead }
}

/**
 * The schedule after a server said that a token of this `age` has `left` milliseconds to live. The same statement,
 * repeated at every reconnection, changes nothing. A longer lifetime keeps the drawn place within it. A shorter one may
 * mean that the server asks all clients at once: the part of the draw that was still open is stretched over what is
 * left, so that the clients refresh one after the other, whatever the age of their tokens. Milliseconds.
 */
export function scheduleByServer(schedule: TokenSchedule, age: number, left: number): TokenSchedule {
  const lifetime = bounded(age + left, bounds.lifetime)
  const scale = lifetime / schedule.lifetime
  const dead = deadAt(lifetime)
  if (scale >= 1) {
    const due = Math.min(dead, schedule.due * scale)
    return { lifetime, due, earliest: Math.min(due, schedule.earliest * scale), dead }
  }
  // A token that is not yet due at this age counts as drawn from here on.
  const open = Math.max(age, schedule.earliest)
  const drawn = Math.max(0, schedule.due - open) / Math.max(1, schedule.dead - open)
  const earliest = Math.min(dead, Math.max(age, schedule.earliest * scale))
  return { lifetime, due: earliest + drawn * (dead - earliest), earliest, dead }
}

/**
 * The age at which to refresh. A hidden page's timers run up to a minute late, so a time that is too late for them is
 * folded back into the earlier part of the range. It is not clamped: half of all pages are hidden, and they would all
 * be due at the same age. The result is never before `earliest`, or tokens that live a minute or two would be fetched
 * in a loop.
 */
export function refreshDue({ due, earliest, dead }: TokenSchedule, hidden: boolean): number {
  const room = Math.max(dead - HIDDEN_LATENESS - earliest, (dead - earliest) * LEAST_SPREAD)
  if (!hidden || due - earliest <= room) return due
  const folded = (due - earliest) % (2 * room)
  return earliest + Math.min(folded, 2 * room - folded)
}

/**
 * `MIN_GAP`, or less for a token so short-lived that this would be most of its life: a quarter of the lifetime, at
 * least 1 s.
 */
export function callGap(lifetime: number): number {
  return Math.min(MIN_GAP, Math.max(1_000, lifetime / 4))
}

export interface TokenRetryAsk {
  /** Failures in a row before this one: 0 after the first. */
  readonly failures: number
  /** The wait that the provider asked for, in milliseconds: a minimum that jitter extends and never shortens. */
  readonly retryAfter?: number
  /** Milliseconds until the current token is dead; 0 or less if no token is alive. */
  readonly left: number
}

/**
 * How long to wait after a provider failed, in milliseconds: `max(5 s, retryAfter) + U(0, w)`, `w = min(300 s, 30 s ·
 * 2ⁿ)` and, while the token lives, at most `max(30 s, half of the time it has left)`. This limit works like earliest
 * deadline first: clients whose token is close to expiry retry more often. With 1M clients, an outage of 60 s causes
 * 7,100 requests a second, against 21,000 for 5–10 s.
 */
export function tokenRetryDelay(ask: TokenRetryAsk, random: Random): number {
  const { failures, left } = ask
  const retryAfter = Math.max(RETRY_FLOOR, bounded(ask.retryAfter, bounds.retryAfter))
  const cap = left > 0 ? Math.min(RETRY_CAP, left / 2) : RETRY_CAP
  return reconnectDelay({ failures, retryAfter, spread: RETRY_WINDOW, cap }, random)
}
