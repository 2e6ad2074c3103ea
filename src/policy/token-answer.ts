import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'

/** What an application's `getToken` may return. Durations are milliseconds from the call of `getToken`. */
export type TokenResult =
  | string
  | { token: string; ttl?: number; sessionTtl?: number }
  | { retryAfter: number }
  | { ended: string }

/** A token, or the reason why the login session has ended. */
export interface TokenAnswer {
  readonly token: string
  readonly ttl?: number
  readonly sessionTtl?: number
  readonly ended?: string
}

/** Proxies cut headers at 8 to 16 KiB, and a token is sent with every dial, so no real token is longer than this. */
export const LONGEST_TOKEN = 16_384

/**
 * Checks what a provider resolved with. Throws if that is no token: `refused` with `retryAfter` if the provider asks
 * for a pause, `invalid` if it is no valid answer. The error says what is wrong with a token and never quotes it.
 */
export function readTokenAnswer(answer: unknown): TokenAnswer {
  // A getter runs only once, so the value that is checked is the value that is used.
  const { token, ttl, sessionTtl, ended, retryAfter } = (
    typeof answer === 'string' ? { token: answer } : Object(answer)
  ) as Record<string, unknown>
  if (token === undefined && ended === undefined && isTime(retryAfter))
    throw new LiveSocketError('refused', explain`getToken asked for a pause`, { retryAfter })
  const read = { token, ttl, sessionTtl, ended }
  const problem = problemOf(read)
  if (problem === null) return read as TokenAnswer
  throw new LiveSocketError(
    'invalid',
    explain`getToken resolved with ${problem}; it must resolve with a token, { token, ttl, sessionTtl }, { retryAfter } or { ended }`,
  )
}

function problemOf({ token, ttl, sessionTtl, ended }: { [Part in keyof TokenAnswer]: unknown }): string | null {
  if (ended !== undefined) return typeof ended === 'string' ? null : explain`an \`ended\` that is not a string`
  if (token === undefined) return explain`neither a \`token\`, an \`ended\` nor a \`retryAfter\` in milliseconds`
  if (ttl !== undefined && !(isTime(ttl) && ttl > 0))
    return explain`a \`ttl\` that is not a positive number of milliseconds`
  if (sessionTtl !== undefined && !isTime(sessionTtl))
    return explain`a \`sessionTtl\` that is not a number of milliseconds`
  const problem = tokenProblem(token)
  return problem && explain`a token that ${problem}`
}

/** Why `token` cannot be sent, or null. Never quotes it. */
export function tokenProblem(token: unknown): string | null {
  if (typeof token !== 'string') return 'is not a string'
  if (token.trim() === '') return explain`is empty, or only white space`
  if (token === 'undefined' || token === 'null')
    return explain`is the word "undefined" or "null", as an empty variable gives`
  if (token.length > LONGEST_TOKEN) return explain`is longer than ${LONGEST_TOKEN} characters`
  if (/[\u0000-\u001f\u007f]/.test(token)) return explain`contains control characters, perhaps a line break at its end`
  return null
}

/** Whether this is a duration or a moment in milliseconds: finite and not negative. */
export function isTime(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) >= 0
}
