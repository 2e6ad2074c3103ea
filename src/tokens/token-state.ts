import type { TokenState } from './token-part.js'

/**
 * Times that differ by less than this, in ms, are the same: computed from two clocks, one moment varies by a few
 * milliseconds from call to call.
 */
const SAME_TIME = 1_000

/** Whether `state` says nothing new after `told`. */
export function sameState(told: TokenState | null, state: TokenState): boolean {
  const same = (what: 'refreshAt' | 'expiresAt') => Math.abs((told?.[what] ?? 0) - (state[what] ?? 0)) < SAME_TIME
  return told?.status === state.status && same('refreshAt') && same('expiresAt')
}
