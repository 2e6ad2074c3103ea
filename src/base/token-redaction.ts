import { explain } from './explanation.js'
import { LiveSocketError } from './errors.js'

/** Any JWT: a service's error may quote one that it has just signed, which this client has never seen. */
const JWT = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/

/** A shorter token is no secret, and may be part of any word. */
const SHORTEST = 8

/** The most parts of a thrown value that are searched. Errors of HTTP libraries contain whole requests. */
const MOST = 10_000

/** The text with these tokens replaced by `[token]`. */
export function redactedText(text: string, tokens: readonly string[]): string {
  return tokens.reduce((left, token) => (token.length >= SHORTEST ? left.replaceAll(token, '[token]') : left), text)
}

/**
 * Returns what an application's function threw, or, if that contains a token, an error that says as much of it as
 * contains none. Errors end up in logs, and one that quotes a request quotes the token in it.
 */
export function redactedError(thrown: unknown, tokens: readonly string[], who: string): unknown {
  if (!holdsToken(thrown, tokens)) return thrown
  const { name, message } = (thrown ?? {}) as Partial<Error>
  const words = [name, message].filter(
    (part): part is string => typeof part === 'string' && part !== '' && !tells(part, tokens),
  )
  const said = words.length > 0 ? ` (${words.join(': ')})` : ''
  return new LiveSocketError(
    'refused',
    explain`${who} threw an error that contains a token, or is too large to search for one; it is redacted${said}`,
  )
}

function tells(text: string, tokens: readonly string[]): boolean {
  return JWT.test(text) || redactedText(text, tokens) !== text
}

/**
 * Searches messages, stacks, causes and own fields without running a getter. A value that is too large to search counts
 * as containing a token.
 */
function holdsToken(thrown: unknown, tokens: readonly string[]): boolean {
  // The set grows while it is walked: each part's own parts are appended, each only once.
  const parts = new Set([thrown])
  try {
    for (const part of parts) {
      if (parts.size > MOST || (typeof part === 'string' && tells(part, tokens))) return true
      if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part)) continue
      for (const { value } of Object.values(Object.getOwnPropertyDescriptors(part))) parts.add(value)
      if (part instanceof Error) parts.add(part.message).add(part.stack)
      if (part instanceof Map || part instanceof Set || part instanceof Headers)
        for (const entry of part) parts.add(entry)
    }
    return false
  } catch {
    return true
  }
}
