import { handoverDialDelay, reconnectDelay, spreadDelay } from '../policy/delay.js'
import type { Handover } from './handover.js'
import type { Backoff } from './state.js'
import { leftOf } from './time-limits.js'

/** The least part of a deadline that is reserved for the dial, ms: enough for a slow TLS handshake and a welcome. */
export const LEAST_DIAL = 1_000

/** Milliseconds to wait before the next dial. */
export function delayOf(
  { kind, failures = 0, unopened, retryAfter, spread }: Backoff,
  { settings, state, dials, handoverRecord }: Pick<Handover, 'settings' | 'state' | 'dials' | 'handoverRecord'>,
): number {
  const { clock, random, handover, reconnect } = settings
  const ask = state.active?.ask
  if (kind === 'now' || (kind === 'asked' && !ask)) return 0
  const left = leftOf(ask, clock)
  const dialTime = Math.max(LEAST_DIAL, 3 * dials.took)
  if (kind === 'asked') {
    const dwell = Math.max(0, handover.dwell - handoverRecord.sinceCutover)
    return Math.max(Math.min(dwell, left / 2), spreadDelay({ spread: ask!.spread, deadline: left, dialTime }, random))
  }
  if (kind === 'again')
    return handoverDialDelay({ n: failures - 1, unopened, retryAfter, spread, latest: left - dialTime }, random)
  return reconnectDelay(
    {
      // A server that names a spread has measured it: earlier failures do not widen it.
      failures: spread === undefined ? failures : 0,
      spread: spread ?? dials.spread ?? reconnect.spread,
      cap: reconnect.cap,
      early: kind === 'early',
      busy: kind === 'busy',
      retryAfter,
      placed: kind === 'spread' && dials.placed,
    },
    random,
  )
}
