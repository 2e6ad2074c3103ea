import { isTime } from './token-answer.js'

/**
 * The token's subject, if it is a JWT with a `sub` claim. The token is read, not verified: that is the server's part.
 * Never throws.
 */
export function tokenSubject(token: string): string | undefined {
  const { sub } = claims(token)
  return typeof sub === 'string' ? sub : undefined
}

/**
 * `exp − iat` of a JWT in milliseconds; undefined for anything else, or if the lifetime is not positive. Never throws.
 */
export function jwtLifetime(token: string): number | undefined {
  const { exp, iat } = claims(token)
  return isTime(exp) && isTime(iat) && exp > iat ? (exp - iat) * 1_000 : undefined
}

/** The claims of a JWT; empty for anything else. */
function claims(token: string): { readonly sub?: unknown; readonly exp?: unknown; readonly iat?: unknown } {
  const parts = token.split('.')
  try {
    // The bytes are read as Latin-1, so non-ASCII names and claims are garbled; numbers are not.
    return parts.length === 3 ? Object(JSON.parse(atob(parts[1]!.replace(/-/g, '+').replace(/_/g, '/')))) : {}
  } catch {
    return {}
  }
}
