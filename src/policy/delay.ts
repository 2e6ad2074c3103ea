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

/** Dials of a handover that may fail in a row before they open, until the next ones wait longer and longer. */
const UNOPENED = 3
/**
 * Firefox puts off a dial by up to 400 ms after a failure at that host and port, and by half as much again after each
 * further one.
 */
const PUT_OFF = 400
const PUT_OFF_GROWTH = 1.5
const UNOPENED_CAP = 10_000

export interface ReconnectAsk {
  /** Failures since the counter was last reset: 0 at the first attempt after a leg that had lived. */
  readonly failures: number
  /** Milliseconds over which a crowd of clients spreads, from `welcome`, `pong` or the options. Default 30,000. */
  readonly spread?: number
  /** The widest that failures make the window, in milliseconds. Default 120,000; never below `spread`. */
  readonly cap?: number
  /** The dial before it was the first one, at a random place in the whole of `spread`, and opened no socket. */
  readonly placed?: boolean
  /** Only this client was hit. Counts at the first attempt alone: if that fails, the server is as likely gone. */
  readonly early?: boolean
  /** The server said that it is busy; with milliseconds where it said for how long. */
  readonly busy?: boolean
  readonly retryAfter?: number
}

/**
 * How long to wait before a dial to the configured URL, in milliseconds: full jitter over a window that is wide at the
 * very first attempt, because that one decides the storm (notes of 1M clients: 35,000 dials a second against 680,000).
 *
 * - server gone: `250 + U(0, w)`, `w = min(max(cap, spread), spread · 2ⁿ)`;
 * - the dial before it found no server: `250 + spread`. Each keeps its place: drawn anew, those who came too soon would
 *   come among those who have not come yet, or long after all;
 * - only this client hit, first attempt: `50 + U(0, 1000)`;
 * - busy: `retryAfter + U(0, w)`, at least 250 ms of it, and 5 s where the server did not say. Nobody is ever early.
 *
 * The jitter comes after every cap, and nothing is clamped to a maximum that all clients share: that would line them
 * up.
 */
export function reconnectDelay(ask: ReconnectAsk, random: Random): number {
  const { failures } = ask
  const busy = ask.busy === true || ask.retryAfter !== undefined
  if (ask.early && !busy && failures === 0) return EARLY_FLOOR + random() * EARLY_WINDOW
  if (ask.placed) return FLOOR + bounded(ask.spread, bounds.spread)
  const floor = busy ? Math.max(FLOOR, bounded(ask.retryAfter ?? BUSY_WAIT, bounds.retryAfter)) : FLOOR
  return floor + random() * reconnectWindow(failures, ask.spread, ask.cap)
}

/** The window of `reconnectDelay`, in milliseconds. */
export function reconnectWindow(failures: number, spread?: number, cap = bounds.cap.otherwise): number {
  const first = bounded(spread, bounds.spread)
  if (failures === 0) return first
  return Math.min(Math.max(cap, first), (first || GROWTH_BASE) * 2 ** failures)
}

export interface HandoverDialAsk {
  /** Dials of this handover that failed before it, less one. */
  readonly n: number
  /** Those of them, in a row up to the last one, whose socket never opened. Default 0. */
  readonly unopened?: number
  /** The server that was dialled said that it is busy for so many ms. */
  readonly retryAfter?: number
  /** Over which it wants those spread whom it told so, ms. Default: as long again. */
  readonly spread?: number
  /** Milliseconds after which a dial would come too late for the deadline. Default: never. */
  readonly latest?: number
}

/**
 * How long to wait before a further dial within a handover, ms (client rule 3): `U(0, min(2 s, 200 ms · 2ⁿ))`. From the
 * third in a row that did not open it is `w/2 + U(0, w/2)`, w growing to 10 s: no sooner than Firefox would let it go,
 * so that a browser's own delay never grows behind ours. After `busy` it is `retryAfter + U(0, spread)`. What would
 * come too late comes in time, and still spread, unless the server is busy until then.
 */
export function handoverDialDelay(
  { n, unopened = 0, retryAfter, spread, latest = Infinity }: HandoverDialAsk,
  random: Random,
): number {
  const [least, most] = retryAfter === undefined ? dialWindow(n, unopened) : busyWindow(retryAfter, spread)
  const inTime = latest > (retryAfter === undefined ? 0 : least)
  const to = inTime ? Math.min(most, latest) : most
  const from = Math.min(least, retryAfter === undefined ? to / 2 : least)
  return from + random() * (to - from)
}

function busyWindow(retryAfter: number, spread: number | undefined): [number, number] {
  const least = bounded(retryAfter, bounds.retryAfter)
  return [least, least + (spread === undefined ? least : bounded(spread, bounds.spread))]
}

function dialWindow(n: number, unopened: number): [number, number] {
  if (unopened < UNOPENED) return [0, Math.min(DIAL_CAP, DIAL_BASE * 2 ** n)]
  const most = Math.min(UNOPENED_CAP, 2 * PUT_OFF * PUT_OFF_GROWTH ** (unopened - 1))
  return [most / 2, most]
}

export interface SpreadAsk {
  /** What the request says, in milliseconds. Absent: 0. */
  readonly spread?: number
  /** Milliseconds until the active leg is closed. */
  readonly deadline: number
  /** Milliseconds to leave for the dial, up to its `welcome`. */
  readonly dialTime: number
}

/**
 * How long to wait before a handover starts: a uniformly random part of `spread`, and of what the deadline leaves of
 * it.
 */
export function spreadDelay(ask: SpreadAsk, random: Random): number {
  const left = bounded(ask.deadline, bounds.handover) - ask.dialTime
  return random() * Math.max(0, Math.min(bounded(ask.spread, bounds.handover), left))
}

/**
 * The age, in milliseconds, at which a leg asks to be handed over: `maxAge` less a jitter of ±10 % around 0.9 of it.
 * Never above `maxAge`, since that is where the platform cuts; Infinity without a limit.
 */
export function agedAfter(maxAge: number, random: Random): number {
  return maxAge * (0.8 + random() * 0.2)
}
