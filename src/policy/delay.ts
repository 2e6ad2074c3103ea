import type { Random } from '../base/clock.js'
import { bounded, bounds } from './bounds.js'

/** The shortest delay of a reconnection after a server went away, in ms, so that a spread of 0 is no tight loop. */
const FLOOR = 250

/** If only this client was hit, no crowd reconnects with it. The delay averages half a second. */
const EARLY_FLOOR = 50
const EARLY_WINDOW = 1_000

/** How long, in ms, to stay away from a busy server that does not say how long. */
const BUSY_WAIT = 5_000

/** What failures double if the spread is 0, in ms, so that this backs off as well. */
const GROWTH_BASE = 1_000

const DIAL_BASE = 200
const DIAL_CAP = 2_000

/** How many dials of a handover may fail in a row before opening until the next ones wait longer and longer. */
const UNOPENED = 3
/**
 * Firefox delays a dial by up to 400 ms after a failure at that host and port, and by half as much again after each
 * further failure.
 */
const PUT_OFF = 400
const PUT_OFF_GROWTH = 1.5
const UNOPENED_CAP = 10_000

export interface ReconnectAsk {
  /** Failures since the counter was last reset: 0 at the first attempt after a leg that proved itself. */
  readonly failures: number
  /**
   * The window over which many clients spread, in milliseconds, from `welcome`, `pong` or the options. Default 30,000.
   */
  readonly spread?: number
  /** The widest window that failures lead to, in milliseconds. Default 120,000; never below `spread`. */
  readonly cap?: number
  /** The previous dial was the first one, at a random place in the whole of `spread`, and its socket did not open. */
  readonly placed?: boolean
  /** Only this client was hit. This matters for the first attempt only: if that fails, the server is as likely gone. */
  readonly early?: boolean
  /** The server said that it is busy. `retryAfter`: for how many milliseconds, if the server said so. */
  readonly busy?: boolean
  readonly retryAfter?: number
}

/**
 * How long to wait before a dial to the configured URL, in milliseconds: full jitter over a window that is wide at the
 * very first attempt, because that attempt decides the size of the storm (for 1M clients: 35,000 dials a second against
 * 680,000).
 *
 * - server gone: `250 + U(0, w)`, `w = min(max(cap, spread), spread · 2ⁿ)`;
 * - the previous dial found no server: `250 + spread`. So each client keeps its place in the crowd: with a new draw,
 *   clients that dialled too soon would dial among those that have not dialled yet, or long after all of them;
 * - only this client hit, first attempt: `50 + U(0, 1000)`;
 * - busy: `retryAfter + U(0, w)`. `retryAfter` counts as at least 250 ms, and as 5 s if the server did not say. No
 *   client comes earlier than the server asked.
 *
 * The jitter is added after every cap. No delay is clamped to a maximum that all clients share, since that would line
 * them up.
 */
export function reconnectDelay(ask: ReconnectAsk, random: Random): number {
  const { failures } = ask
  const busy = ask.busy === true || ask.retryAfter !== undefined
  if (ask.early && !busy && failures === 0) return EARLY_FLOOR + random() * EARLY_WINDOW
  if (ask.placed) return FLOOR + bounded(ask.spread, bounds.spread)
  const floor = busy ? Math.max(FLOOR, bounded(ask.retryAfter ?? BUSY_WAIT, bounds.retryAfter)) : FLOOR
  return floor + random() * reconnectWindow(failures, ask.spread, ask.cap)
}

/** The window `w` of `reconnectDelay`, in milliseconds. */
export function reconnectWindow(failures: number, spread?: number, cap = bounds.cap.otherwise): number {
  const first = bounded(spread, bounds.spread)
  if (failures === 0) return first
  return Math.min(Math.max(cap, first), (first || GROWTH_BASE) * 2 ** failures)
}

export interface HandoverDialAsk {
  /** How many dials of this handover have failed, less one. */
  readonly n: number
  /** How many dials, in a row up to the last one, failed before their socket opened. Default 0. */
  readonly unopened?: number
  /** The dialled server said that it is busy for this many milliseconds. */
  readonly retryAfter?: number
  /** The window over which the busy server wants its clients spread, ms. Default: as long as `retryAfter`. */
  readonly spread?: number
  /** Milliseconds after which a dial would be too late for the deadline. Default: never. */
  readonly latest?: number
}

/**
 * How long to wait before a further dial within a handover, ms (client rule 3): `U(0, min(2 s, 200 ms · 2ⁿ))`. After
 * three dials in a row that did not open it is `w/2 + U(0, w/2)`, with w growing to 10 s. That is no sooner than
 * Firefox would let the dial go, so that the browser's own delay never grows behind ours. After `busy` it is
 * `retryAfter + U(0, spread)`. A delay that would be too late for the deadline is shortened to fit, and still spread,
 * unless the server is busy until then.
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
  /** The request's `spread`, in milliseconds. Absent: 0. */
  readonly spread?: number
  /** Milliseconds until the server closes the active leg. */
  readonly deadline: number
  /** Milliseconds to reserve for the dial, up to its `welcome`. */
  readonly dialTime: number
}

/**
 * How long to wait before a handover starts, in milliseconds: a uniformly random part of `spread`, or of the time
 * before the deadline if that is shorter.
 */
export function spreadDelay(ask: SpreadAsk, random: Random): number {
  const left = bounded(ask.deadline, bounds.handover) - ask.dialTime
  return random() * Math.max(0, Math.min(bounded(ask.spread, bounds.handover), left))
}

/**
 * The age, in milliseconds, at which a leg asks to hand over: `maxAge` times a factor drawn from 0.8 to 1. It is never
 * above `maxAge`, because the platform cuts the leg there. Infinity without a limit.
 */
export function agedAfter(maxAge: number, random: Random): number {
  return maxAge * (0.8 + random() * 0.2)
}
