/** What a number may be, and what takes its place where it is none. */
export interface Bound {
  readonly least: number
  readonly most: number
  readonly otherwise: number
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

function bound(least: number, most: number, otherwise: number): Bound {
  return { least, most, otherwise }
}

/**
 * Every number that a server or a token provider hands to a policy goes through one of these, and what an application
 * sets is checked with the options, so that no NaN, negative or astronomic value can make a client hammer, or sleep for
 * ever. Milliseconds: the least, the most, and what takes the place of what is no number.
 */
export const bounds = {
  /** The window of a reconnection. 5 min is what a million clients need at 3,300 a second; 30 s is the default. */
  spread: bound(0, 5 * MINUTE, 30 * SECOND),
  /** The widest window that failures widen it to. */
  cap: bound(0, HOUR, 2 * MINUTE),
  /** A server that asks for more than an hour of silence is more likely wrong than that busy. */
  retryAfter: bound(0, HOUR, 0),
  /** `deadline` and `spread` of a handover request: no drain lasts a day. */
  handover: bound(0, 24 * HOUR, 0),
  /** The silence that a `welcome` allows: less floods, more is not noticed before anybody gives up. */
  heartbeat: bound(50, 5 * MINUTE, 25 * SECOND),
  /** The lifetime of a token. Under a second it could not be used; past 400 days it is no short-lived one. */
  lifetime: bound(SECOND, 400 * 24 * HOUR, 10 * MINUTE),
}

/** `value` within the bound. Infinity counts as too much; NaN and whatever is no number as absent. */
export function bounded(value: unknown, bound: Bound): number {
  if (typeof value !== 'number' || Number.isNaN(value)) return bound.otherwise
  return Math.min(bound.most, Math.max(bound.least, value))
}
