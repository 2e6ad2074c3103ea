import type { TokenState } from './token-part.js'

/** Two clocks tell one moment a few milliseconds apart from call to call: no news below this. */
const SAME_TIME = 1_000

/** Whether there is nothing new to be told after `told`. */
export function sameState(told: TokenState | null, state: TokenState): boolean {
  const same = (what: 'refreshAt' | 'expiresAt') => Math.abs((told?.[what] ?? 0) - (state[what] ?? 0)) < SAME_TIME
  return told?.status === state.status && same('refreshAt') && same('expiresAt')
}
