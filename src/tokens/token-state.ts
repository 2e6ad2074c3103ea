export interface TokenState {
  readonly status: 'none' | 'valid' | 'refreshing' | 'stale' | 'ended'
  /** Wall-clock milliseconds since 1970, to be shown; nothing is decided by them. */
  readonly refreshAt: number | null
  readonly expiresAt: number | null
}

/** Two clocks tell one moment a few milliseconds apart from call to call: no news below this. */
const SAME_MOMENT = 1_000

/** Passes on a state only if it says something new. */
export function createStateTeller(tell: (state: TokenState) => void): (state: TokenState) => void {
  let told: TokenState | null = null
  return (state) => {
    const known =
      told !== null &&
      told.status === state.status &&
      sameMoment(told.refreshAt, state.refreshAt) &&
      sameMoment(told.expiresAt, state.expiresAt)
    if (known) return
    told = state
    tell(state)
  }
}

function sameMoment(a: number | null, b: number | null): boolean {
  return a === b || (a !== null && b !== null && Math.abs(a - b) < SAME_MOMENT)
}
