import { explain } from './explanation.js'
import { LiveSocketError } from './errors.js'

/** A JWT, whoever's it is: a service's error may quote the one that it has just signed, which nobody here has seen. */
const JWT = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/

/** A shorter one is no secret, and may be a part of any word. */
const SHORTEST = 8

/** So many parts of a thrown thing are looked through. Errors of HTTP libraries carry whole requests. */
const MOST = 10_000

/** The text without these tokens. */
export function redactedText(text: string, tokens: readonly string[]): string {
  return tokens.reduce((left, token) => (token.length >= SHORTEST ? left.replaceAll(token, '[token]') : left), text)
}

/**
 * What an application's function threw, or in its place an error that says as much of it as holds no token: errors end
 * up in logs, and one that quotes a request quotes the token in it.
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
    explain`${who} threw an error that holds a token, or more than can be looked through; it is redacted${said}`,
  )
}

function tells(text: string, tokens: readonly string[]): boolean {
  return JWT.test(text) || redactedText(text, tokens) !== text
}

/**
 * Looks through messages, stacks, causes and own fields. Runs no getter. What is too much to look through may hold one.
 */
function holdsToken(thrown: unknown, tokens: readonly string[]): boolean {
  // Grows while it is walked: what a part consists of comes behind it, and once.
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
