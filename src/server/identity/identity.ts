import type { LiveSocketError } from '../../base/errors.js'
import { bounds } from '../../policy/bounds.js'
import { invalid } from '../../base/invalid.js'

/** Who a leg belongs to: whatever `authenticate` answered. The fields below are the only ones that the server reads. */
export interface UserFields {
  /**
   * The identity, 1 to 1,024 characters. A session, and a leg that gets a fresh token, never changes it. Without one
   * whoever learns a session's id can take it over; `onError` is told so, once.
   */
  readonly subject?: string
  /**
   * Milliseconds that the token has left, at most 400 days. The client is told, and a leg past it, plus
   * `limits.tokenGrace`, is closed. Absent: it does not end.
   */
  readonly tokenTtl?: number
}

/** A subject is compared, and kept with the session. No issuer's `sub` comes near this. */
export const MAX_SUBJECT = 1_024

/**
 * The two fields that the server reads of what `authenticate` answered. Throws `invalid` for one that is of a wrong
 * type: taken as absent, another user's token would pass on the same leg, and a token would never end. Never quotes a
 * value: it may be a secret.
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
    // A token that is let pass although its time is over, as some clocks' tolerance has it, is over all the same.
    ...(tokenTtl === undefined ? undefined : { tokenTtl: Math.max(0, Math.floor(tokenTtl)) }),
  }
}

/** What nobody may overlook, although everything seems to work. */
export function noSubject(): LiveSocketError {
  return invalid(
    'authenticate gave no subject: whoever learns the id of a session can take it over, and a fresh token of somebody else passes on its leg. Answer { subject } with the id of the user, or of the guest. This is said once',
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === '') return 'empty'
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? `a string of ${value.length} characters` : `a ${typeof value}`
}
