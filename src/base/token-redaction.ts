import { explain } from './explanation.js'
import { LiveSocketError } from './errors.js'

/** A JWT, whoever's it is: a service's error may quote the one that it has just signed, which nobody here has seen. */
const JWT = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/

/** A shorter one is no secret, and may be a part of any word. */
const SHORTEST = 8

/** So much of a thrown thing is looked through. Errors of HTTP libraries carry whole requests. */
const MOST = { values: 2_000, depth: 8 }

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
  const seen = new Set<object>()
  let values = 0
  const look = (value: unknown, depth: number): boolean => {
    if (typeof value === 'string') return tells(value, tokens)
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) return false
    if (depth > MOST.depth || ++values > MOST.values) return true
    seen.add(value)
    const inherited = value instanceof Error ? [value.message, value.stack] : []
    const own = Object.values(Object.getOwnPropertyDescriptors(value)).map((property): unknown => property.value)
    const entries =
      value instanceof Map || value instanceof Headers ? [...value].flat() : value instanceof Set ? [...value] : []
    return [...inherited, ...own, ...entries].some((part) => look(part, depth + 1))
  }
  try {
    return look(thrown, 0)
  } catch {
    return true
  }
}
