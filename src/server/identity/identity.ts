import type { LiveSocketError } from '../../base/errors.js'
import { bounds } from '../../policy/bounds.js'
import { invalid } from '../../base/invalid.js'

/** The only fields that the server reads of the user that `authenticate` answered. */
export interface UserFields {
  /**
   * The identity, 1 to 1,024 characters. It never changes in a session, not even when a leg gets a fresh token. Without
   * a subject, anybody who learns a session's id can take the session over; `onError` is told so, once.
   */
  readonly subject?: string
  /**
   * Milliseconds that the token has left, at most 400 days. The client is told. A leg is closed `limits.tokenGrace`
   * after its token has ended. Absent: the token does not end.
   */
  readonly tokenTtl?: number
}

/**
 * The most characters of a subject, which is compared, and kept with the session. No issuer's `sub` comes near this.
 */
export const MAX_SUBJECT = 1_024

/**
 * The two fields that the server reads of what `authenticate` answered. Throws `invalid` for a field of a wrong type.
 * If that counted as absent, another user's token would be accepted on the same leg, and a token would never end. The
 * error never quotes a value, which may be a secret.
 */
export function readUser(user: unknown): UserFields {
  if (typeof user !== 'object' || user === null) return {}
  const { subject, tokenTtl } = user as { subject?: unknown; tokenTtl?: unknown }
  if (subject !== undefined && (typeof subject !== 'string' || subject === '' || subject.length > MAX_SUBJECT)) {
    throw invalid(
      `authenticate answered a subject that is ${kindOf(subject)}; it must be a string of 1 to ${MAX_SUBJECT} characters, or absent`,
    )
  }
  if (tokenTtl !== undefined && (typeof tokenTtl !== 'number' || !(tokenTtl <= bounds.lifetime.most))) {
    throw invalid(
      `authenticate answered a tokenTtl that is ${kindOf(tokenTtl)}; it must be the milliseconds that the token has left, at most 400 days, or absent for one that does not end`,
    )
  }
  return {
    ...(subject === undefined ? undefined : { subject }),
    // A token accepted after its end, as verifiers with a clock tolerance do, has ended all the same.
    ...(tokenTtl === undefined ? undefined : { tokenTtl: Math.max(0, Math.floor(tokenTtl)) }),
  }
}

/** Reported because it must not be overlooked, although everything seems to work. */
export function noSubject(): LiveSocketError {
  return invalid(
    'authenticate gave no subject: anybody who learns the id of a session can take it over, and a fresh token of another user is accepted on its leg. Answer { subject } with the id of the user, or of the guest. This is reported once',
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === '') return 'empty'
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? `a string of ${value.length} characters` : `a ${typeof value}`
}
