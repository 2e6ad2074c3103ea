import type { Random } from '../base/clock.js'
import { bounded, bounds } from './bounds.js'

/** No two calls of a token provider in one session are closer than this, whatever asks for them. Milliseconds. */
export const MIN_GAP = 20_000

/** A token that lives shorter is most likely told in seconds instead of milliseconds: worth a warning. */
export const SHORT_LIFETIME = 30_000

/** Within this a hidden page's timers have surely run: browsers slow them to one a minute. */
const HIDDEN_LATENESS = 75_000

const RETRY_FLOOR = 5_000
const RETRY_WINDOW = 30_000
const RETRY_CAP = 300_000

/** A JWT longer than this is not looked into. */
const MAX_JWT = 65_536

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
 * The lifetime of a token in milliseconds: `ttl`, which came with it; else the JWT's own `exp − iat`, a difference within one
 * clock, never `exp − now`; else `otherwise`, else 10 min. A `ttl` that is no positive number counts as absent.
 */
export function tokenLifetime(token: string, ttl: number | undefined, otherwise?: number): number {
  return bounded(positive(ttl) ?? jwtLifetime(token) ?? positive(otherwise), bounds.lifetime)
}

/** `exp − iat` of a JWT in milliseconds; undefined for anything that is none, or whose lifetime is not positive. Never throws. */
export function jwtLifetime(token: string): number | undefined {
  if (token.length > MAX_JWT) return undefined
  const [, payload, signature, ...more] = token.split('.')
  if (payload === undefined || signature === undefined || more.length > 0) return undefined
  try {
    // Bytes read as Latin-1: names and claims in other scripts come out garbled, two numbers do not.
    const claims: unknown = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')))
    const exp = claim(claims, 'exp')
    const iat = claim(claims, 'iat')
    return exp === undefined || iat === undefined ? undefined : positive((exp - iat) * 1_000)
  } catch {
    return undefined
  }
}

function claim(claims: unknown, name: string): number | undefined {
  if (typeof claims !== 'object' || claims === null || !Object.hasOwn(claims, name)) return undefined
  const value = (claims as Record<string, unknown>)[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function positive(value: number | undefined): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}

/**
 * Draws when a token is refreshed: uniform in 0.5–0.9 of its lifetime (5 to 9 min of 10), once per token. A cohort that
 * logged in together loads a token service with 1.75 times the mean at its first refresh and 1.04 at its seventh; the usual
 * fixed point, with 420 times the mean for ever. The width before `dead` is what makes an outage of a minute invisible.
 */
export function drawTokenSchedule(lifetime: number, range: RefreshRange, random: Random): TokenSchedule {
  const whole = bounded(lifetime, bounds.lifetime)
  const dead = whole - Math.min(10_000, whole * 0.05)
  const from = bounded(range.from, { least: 0, most: 1, otherwise: 0.5 })
  const to = Math.max(from, bounded(range.to, { least: 0, most: 1, otherwise: 0.9 }))
  const earliest = Math.min(dead, whole * from)
  const latest = Math.min(dead, whole * to)
  return { lifetime: whole, due: earliest + random() * (latest - earliest), earliest, dead }
}

/**
 * The schedule after a server said that a token of this `age` has `left` to live. The place within the lifetime that was drawn
 * for the token stays, so that the same word, said again at every reconnection, moves nothing; a server that cuts a lifetime
 * short finds its clients spread over what is left. Milliseconds.
 */
export function scheduleByServer(schedule: TokenSchedule, age: number, left: number): TokenSchedule {
  const lifetime = bounded(age + left, bounds.lifetime)
  const place = schedule.due / schedule.lifetime
  const dead = Math.max(0, lifetime - Math.min(10_000, lifetime * 0.05))
  const due = Math.min(dead, lifetime * place > age ? lifetime * place : age + left * place)
  return { lifetime, due, earliest: Math.min(due, lifetime * (schedule.earliest / schedule.lifetime)), dead }
}

/**
 * The age at which to refresh. A hidden page's timers run up to a minute late, so there it is sooner where need be; never
 * before the earliest of the range, or tokens that live a minute or two would be fetched in a loop.
 */
export function refreshDue(schedule: TokenSchedule, hidden: boolean): number {
  if (!hidden) return schedule.due
  return Math.min(schedule.due, Math.max(schedule.earliest, schedule.dead - HIDDEN_LATENESS))
}

/** `MIN_GAP`, less for tokens that live so short that it would be most of their life: a quarter of the lifetime, from 1 s. */
export function callGap(lifetime: number): number {
  return Math.min(MIN_GAP, Math.max(1_000, bounded(lifetime, bounds.lifetime) / 4))
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
 * How long to wait after a provider failed, in milliseconds: `max(5 s, retryAfter) + U(0, w)`, `w = min(300 s, 30 s · 2ⁿ)`
 * and, while the token lives, at most `max(30 s, half of what it has left)`. That bound works as earliest deadline first: those
 * close to expiry try more often. 1M clients and an outage of 60 s make 7,100 requests a second, against 21,000 for 5–10 s.
 */
export function tokenRetryDelay(ask: TokenRetryAsk, random: Random): number {
  const grown = Math.min(RETRY_CAP, RETRY_WINDOW * 2 ** bounded(ask.failures, bounds.failures))
  const window = ask.left > 0 ? Math.min(grown, Math.max(RETRY_WINDOW, ask.left / 2)) : grown
  return Math.max(RETRY_FLOOR, bounded(ask.retryAfter, bounds.retryAfter)) + random() * window
}
