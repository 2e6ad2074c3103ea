import type { Clock, Random } from '../base/clock.js'
import { handoverDialDelay, reconnectDelay, spreadDelay } from '../policy/delay.js'
import type { HandoverAsk, Backoff } from './state.js'
import { leftOf } from './time-limits.js'

/** What a delay depends on besides its pace. */
export interface BackoffFacts {
  readonly clock: Clock
  readonly random: Random
  /** What the active leg was asked. */
  readonly ask: HandoverAsk | null
  /** Milliseconds left of the dwell after the last cutover. */
  readonly dwell: number
  /** What the last dial took up to its welcome, ms. */
  readonly dialTook: number
  readonly spread: number
  readonly cap: number
  /** The dial before it was at a place in the whole of `spread`, and opened no socket. */
  readonly placed: boolean
}

/** At least this much of a deadline is kept for the dial, ms: a slow TLS handshake and a welcome. */
export const LEAST_DIAL = 1_000

/** Milliseconds to wait before the next dial. */
export function delayOf(
  { kind, failures = 0, unopened, retryAfter, spread: own }: Backoff,
  { clock, random, ask, dwell, dialTook, spread, cap, placed }: BackoffFacts,
): number {
  const left = ask ? leftOf(ask, clock) : Infinity
  const dialTime = Math.max(LEAST_DIAL, 3 * dialTook)
  if (kind === 'now' || (kind === 'asked' && !ask)) return 0
  if (kind === 'asked') {
    const part = spreadDelay({ spread: ask!.spread, deadline: left, dialTime }, random)
    return Math.max(Math.min(dwell, left / 2), part)
  }
  if (kind === 'again')
    return handoverDialDelay({ n: failures - 1, unopened, retryAfter, spread: own, latest: left - dialTime }, random)
  return reconnectDelay(
    {
      // A server that says over what it wants them spread has measured it: no failure of before makes it wider.
      failures: own === undefined ? failures : 0,
      spread: own ?? spread,
      cap,
      early: kind === 'early',
      busy: kind === 'busy',
      retryAfter,
      placed: kind === 'spread' && placed,
    },
    random,
  )
}
