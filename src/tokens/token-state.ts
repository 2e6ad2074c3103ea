import { refreshDue } from '../policy/token-schedule.js'
import type { TokenBackoff } from './token-backoff.js'
import type { TokenGrant } from './token-grant.js'
import type { TokenState } from './token-part.js'

export interface TokenStateAsk {
  /** The login session is. */
  readonly over: boolean
  /** The one in force; null also while nobody wants one. */
  readonly grant: TokenGrant | null
  readonly renewing: boolean
  /** Of the provider, where there is one. */
  readonly backoff: TokenBackoff | null
  readonly hidden: boolean
  readonly now: number
}

export function tokenState({ over, grant, renewing, backoff, hidden, now }: TokenStateAsk): TokenState {
  if (!grant) return { status: over ? 'ended' : renewing ? 'refreshing' : 'none', refreshAt: null, expiresAt: null }
  const born = now - grant.age
  const due =
    backoff && (backoff.wanted === null ? born + refreshDue(grant.schedule, hidden) : now + backoff.untilNext(grant))
  return {
    status: renewing ? 'refreshing' : grant.usable ? 'valid' : 'stale',
    refreshAt: renewing ? null : due,
    expiresAt: born + grant.schedule.lifetime,
  }
}

/** Two clocks tell one moment a few milliseconds apart from call to call: no news below this. */
const SAME_TIME = 1_000

/** Whether the one says nothing new after the other. */
export function sameState(a: TokenState, b: TokenState): boolean {
  return a.status === b.status && sameTime(a.refreshAt, b.refreshAt) && sameTime(a.expiresAt, b.expiresAt)
}

function sameTime(a: number | null, b: number | null): boolean {
  return a === b || (a !== null && b !== null && Math.abs(a - b) < SAME_TIME)
}
