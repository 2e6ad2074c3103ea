/** The range of a number, and the value that replaces it when it is no number. */
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
 * Limits for every number that a server or a token provider gives to a policy; what an application sets is checked with
 * the options. So no NaN, negative or astronomical value can make a client dial in a tight loop, or sleep for ever.
 * Milliseconds: the least, the most, and what replaces a value that is no number.
 */
export const bounds = {
  /** The window of a reconnection. A million clients need 5 min at 3,300 a second; 30 s is the default. */
  spread: bound(0, 5 * MINUTE, 30 * SECOND),
  /** The widest window that repeated failures lead to. */
  cap: bound(0, HOUR, 2 * MINUTE),
  /** A server that asks clients to stay away for more than an hour is more likely wrong than that busy. */
  retryAfter: bound(0, HOUR, 0),
  /** `deadline` and `spread` of a handover request: no drain takes a day. */
  handover: bound(0, 24 * HOUR, 0),
  /**
   * The silence that a `welcome` allows: a shorter one floods, and a longer one is noticed only after users have given
   * up.
   */
  heartbeat: bound(50, 5 * MINUTE, 25 * SECOND),
  /** The lifetime of a token. Below a second it could not be used; above 400 days it is not a short-lived token. */
  lifetime: bound(SECOND, 400 * 24 * HOUR, 10 * MINUTE),
}

/** `value`, clamped to the bound. Infinity becomes the most; NaN and anything that is no number becomes `otherwise`. */
export function bounded(value: unknown, bound: Bound): number {
  if (typeof value !== 'number' || Number.isNaN(value)) return bound.otherwise
  return Math.min(bound.most, Math.max(bound.least, value))
}
