import { isTime } from './token-answer.js'

/**
 * Whose token it is, where it is a JWT that says so in `sub`. It is read, not verified: that is the server's part.
 * Never throws.
 */
export function tokenSubject(token: string): string | undefined {
  const { sub } = claims(token)
  return typeof sub === 'string' ? sub : undefined
}

/**
 * `exp − iat` of a JWT in milliseconds; undefined for anything that is none, or whose lifetime is not positive. Never
 * throws.
 */
export function jwtLifetime(token: string): number | undefined {
  const { exp, iat } = claims(token)
  return isTime(exp) && isTime(iat) && exp > iat ? (exp - iat) * 1_000 : undefined
}

/** What a JWT says of itself; nothing where it is none. */
function claims(token: string): { readonly sub?: unknown; readonly exp?: unknown; readonly iat?: unknown } {
  const parts = token.split('.')
  try {
    // Bytes read as Latin-1: names and claims in other scripts come out garbled, numbers do not.
    return parts.length === 3 ? Object(JSON.parse(atob(parts[1]!.replace(/-/g, '+').replace(/_/g, '/')))) : {}
  } catch {
    return {}
  }
}
