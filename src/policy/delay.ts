import type { Random } from '../base/clock.js'
import { bounded, bounds } from './bounds.js'

/** No reconnection sooner than this after a server went away, so that a spread of 0 is no tight loop. */
const FLOOR = 250

/** Where only this client was hit there is no crowd: half a second on average. */
const EARLY_FLOOR = 50
const EARLY_WINDOW = 1_000

/** What a busy server that does not say how long is left alone for. */
const BUSY_WAIT = 5_000

/** What failures double where the spread is 0: that backs off as well. */
const GROWTH_BASE = 1_000

const DIAL_BASE = 200
const DIAL_CAP = 2_000

export interface ReconnectAsk {
  /** Failures since the counter was last reset: 0 at the first attempt after a leg that had lived. */
  readonly failures: number
  /** Milliseconds over which a crowd of clients spreads, from `welcome`, `pong` or the options. Default 30,000. */
  readonly spread?: number
  /** The widest that failures make the window, in milliseconds. Default 120,000; never below `spread`. */
  readonly cap?: number
  /** Only this client was hit. Counts at the first attempt alone: if that fails, the server is as likely gone. */
  readonly early?: boolean
  /** The server said that it is busy; with milliseconds where it said for how long. */
  readonly busy?: boolean
  readonly retryAfter?: number
}

/**
 * How long to wait before a dial to the configured URL, in milliseconds: full jitter over a window that is wide at the very
 * first attempt, because that one decides the storm (notes of 1M clients: 35,000 dials a second against 680,000).
 *
 * - server gone: `250 + U(0, w)`, `w = min(max(cap, spread), spread · 2ⁿ)`;
 * - only this client hit, first attempt: `50 + U(0, 1000)`;
 * - busy: `retryAfter + U(0, w)`, at least 250 ms of it, and 5 s where the server did not say. Nobody is ever early.
 *
 * The jitter comes after every cap, and nothing is clamped to a maximum that all clients share: that would line them up.
 */
export function reconnectDelay(ask: ReconnectAsk, random: Random): number {
  const failures = bounded(ask.failures, bounds.failures)
  const busy = ask.busy === true || ask.retryAfter !== undefined
  if (ask.early && !busy && failures === 0) return EARLY_FLOOR + random() * EARLY_WINDOW
  const floor = busy ? Math.max(FLOOR, bounded(ask.retryAfter ?? BUSY_WAIT, bounds.retryAfter)) : FLOOR
  return floor + random() * reconnectWindow(failures, ask.spread, ask.cap)
}

/** The window of `reconnectDelay`, in milliseconds. */
export function reconnectWindow(failures: number, spread: number | undefined, cap: number | undefined): number {
  const first = bounded(spread, bounds.spread)
  const n = bounded(failures, bounds.failures)
  if (n === 0) return first
  return Math.min(Math.max(bounded(cap, bounds.cap), first), (first || GROWTH_BASE) * 2 ** n)
}

/** How long to wait before dial number `n`, from 0, within a handover: `U(0, min(2 s, 200 ms · 2ⁿ))`. */
export function handoverDialDelay(n: number, random: Random): number {
  return random() * Math.min(DIAL_CAP, DIAL_BASE * 2 ** bounded(n, bounds.failures))
}

export interface SpreadAsk {
  /** What the request says, in milliseconds. Absent: 0. */
  readonly spread?: number
  /** Milliseconds until the active leg is closed. */
  readonly deadline: number
  /** Milliseconds to leave for the dial, up to its `welcome`. */
  readonly dialTime: number
}

/** How long to wait before a handover starts: a uniformly random part of `spread`, and of what the deadline leaves of it. */
export function spreadDelay(ask: SpreadAsk, random: Random): number {
  const left = bounded(ask.deadline, bounds.handover) - bounded(ask.dialTime, bounds.dial)
  return random() * Math.max(0, Math.min(bounded(ask.spread, bounds.handover), left))
}

/**
 * The age, in milliseconds, at which a leg asks to be moved: `maxAge` less a jitter of ±10 % around 0.9 of it. Never above
 * `maxAge`, since that is where the platform cuts; Infinity without a limit.
 */
export function agedAfter(maxAge: number | undefined, random: Random): number {
  return bounded(maxAge, bounds.maxAge) * (0.8 + random() * 0.2)
}
