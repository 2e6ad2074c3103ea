import { type Clock, type Random, since } from '../base/clock.js'
import { handoverDialDelay, reconnectDelay, spreadDelay } from '../policy/delay.js'
import type { HandoverAsk, Backoff } from './state.js'

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
  backoff: Backoff,
  { clock, random, ask, dwell, dialTook, spread, cap, placed }: BackoffFacts,
): number {
  const left = ask ? Math.max(0, ask.deadline - since(clock, ask.at)) : Infinity
  const dialTime = Math.max(LEAST_DIAL, 3 * dialTook)
  switch (backoff.kind) {
    case 'now':
      return 0
    case 'asked': {
      if (!ask) return 0
      const part = spreadDelay({ spread: ask.spread, deadline: left, dialTime }, random)
      return Math.max(Math.min(dwell, left / 2), part)
    }
    case 'again': {
      const { tries, unopened, retryAfter, spread } = backoff
      return handoverDialDelay({ n: tries - 1, unopened, retryAfter, spread, latest: left - dialTime }, random)
    }
    case 'spread':
      return reconnectDelay({ failures: backoff.failures, spread, cap, placed }, random)
    case 'early':
      return reconnectDelay({ failures: backoff.failures, spread, cap, early: true }, random)
    case 'busy': {
      const { retryAfter, spread: own } = backoff
      // A server that says over what it wants them spread has measured it: no failure of before makes it wider.
      const failures = own === undefined ? backoff.failures : 0
      return reconnectDelay({ failures, spread: own ?? spread, cap, busy: true, retryAfter }, random)
    }
  }
}
