import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'

/** What an application's `getToken` may answer. Durations are milliseconds from the moment at which it was asked. */
export type TokenResult =
  | string
  | { token: string; ttl?: number; sessionTtl?: number }
  | { retryAfter: number }
  | { ended: string }

export type TokenAnswer =
  | { readonly kind: 'token'; readonly token: string; readonly ttl?: number; readonly sessionTtl?: number }
  | { readonly kind: 'later'; readonly retryAfter: number }
  | { readonly kind: 'ended'; readonly reason: string }
  | { readonly kind: 'invalid'; readonly error: LiveSocketError }

/** Proxies cut headers at 8 to 16 KiB, and a token is sent with every dial: what is longer than this is no token. */
export const LONGEST_TOKEN = 16_384

/** Judges what a provider resolved with. The error says what is wrong with a token and never quotes it. */
export function readTokenAnswer(answer: unknown): TokenAnswer {
  if (typeof answer === 'string') return judgeToken(answer)
  if (typeof answer !== 'object' || answer === null) {
    return invalid(`resolved with ${answer === null ? 'null' : typeof answer}`)
  }
  const { ended, token, retryAfter, ttl, sessionTtl } = answer as Record<string, unknown>
  if (ended !== undefined) {
    return typeof ended === 'string'
      ? { kind: 'ended', reason: ended }
      : invalid(explain`resolved with an \`ended\` that is not a string`)
  }
  if (token !== undefined) {
    if (ttl !== undefined && !isDuration(ttl))
      return invalid(explain`resolved with a \`ttl\` that is not a positive number of milliseconds`)
    if (sessionTtl !== undefined && !isTime(sessionTtl))
      return invalid(explain`resolved with a \`sessionTtl\` that is not a number of milliseconds`)
    return typeof token === 'string'
      ? judgeToken(token, ttl, sessionTtl)
      : invalid(explain`resolved with a \`token\` that is not a string`)
  }
  if (retryAfter === undefined)
    return invalid(explain`resolved with an object that has neither \`token\`, \`retryAfter\` nor \`ended\``)
  return isTime(retryAfter)
    ? { kind: 'later', retryAfter }
    : invalid(explain`resolved with a \`retryAfter\` that is not a number of milliseconds`)
}

/** What makes `token` unfit to be sent, or null. Never quotes it. */
export function tokenProblem(token: unknown): string | null {
  if (typeof token !== 'string') return 'is not a string'
  if (token.trim() === '') return explain`is empty, or nothing but blanks`
  if (token === 'undefined' || token === 'null') return explain`is the word that an empty variable turns into`
  if (token.length > LONGEST_TOKEN) return explain`is longer than ${LONGEST_TOKEN} characters`
  if (/[\u0000-\u001f\u007f]/.test(token)) return explain`holds control characters, perhaps a line break at its end`
  return null
}

/**
 * Whose token it is, where it is a JWT that says so in `sub`. It is read, not verified: that is the server's part.
 * Never throws.
 */
export function tokenSubject(token: string): string | undefined {
  const payload = token.split('.', 3)[1]
  if (payload === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')))
    const subject = typeof claims === 'object' && claims !== null && 'sub' in claims ? claims.sub : undefined
    return typeof subject === 'string' ? subject : undefined
  } catch {
    return undefined
  }
}

function judgeToken(token: string, ttl?: number, sessionTtl?: number): TokenAnswer {
  const problem = tokenProblem(token)
  if (problem !== null) return invalid(explain`resolved with a token that ${problem}`)
  return {
    kind: 'token',
    token,
    ...(ttl === undefined ? {} : { ttl }),
    ...(sessionTtl === undefined ? {} : { sessionTtl }),
  }
}

function invalid(what: string): TokenAnswer {
  return {
    kind: 'invalid',
    error: new LiveSocketError(
      'invalid',
      explain`getToken ${what}; it must resolve with a token, { token, ttl, sessionTtl }, { retryAfter } or { ended }`,
    ),
  }
}

function isDuration(value: unknown): value is number {
  return isTime(value) && value > 0
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
