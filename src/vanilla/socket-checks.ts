import { explain } from '../base/explanation.js'
import { byteLength } from '../protocol/json.js'
import { socketAddress } from '../base/socket-address.js'

/**
 * The URL as the standard's constructor reads it: http becomes ws, and a fragment is an error. Throws a `SyntaxError`
 * DOMException.
 */
export function checkUrl(given: unknown): string {
  let address
  try {
    address = socketAddress(String(given))
  } catch {
    address = ''
  }
  if (address === '') throw domError('The URL cannot be parsed.', 'SyntaxError')
  if (typeof address === 'string')
    throw domError(explain`A WebSocket needs a ws: or wss: URL, not ${address}`, 'SyntaxError')
  if (address.hasFragment) throw domError(explain`The URL of a WebSocket must have no fragment.`, 'SyntaxError')
  return address.href
}

/** The error that the platform throws; without a DOMException class, an error with that name. */
export function domError(message: string, name: 'SyntaxError' | 'InvalidAccessError' | 'InvalidStateError'): Error {
  return typeof DOMException === 'function'
    ? new DOMException(message, name)
    : Object.assign(new Error(message), { name })
}

/** A token of RFC 9110. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export function checkSubprotocols(given: string | readonly string[]): readonly string[] {
  const all = typeof given === 'string' ? [given] : [...given].map(String)
  const names = new Set(all.map((name) => name.toLowerCase()))
  if (names.size < all.length) throw domError(explain`A subprotocol is offered twice.`, 'SyntaxError')
  for (const name of all)
    if (!TOKEN.test(name))
      throw domError(explain`A subprotocol must be a token: letters and digits, no spaces.`, 'SyntaxError')
  return all
}

/**
 * The code and reason of a close. Without a code it is 1000, as in reconnecting-websocket. Throws an
 * `InvalidAccessError` for any other code than 1000 and 3000 to 4999, and a `SyntaxError` for a reason of more than 123
 * bytes.
 */
export function checkClose(
  code: number | undefined,
  reason: string | undefined,
): { readonly code: number; readonly reason: string } {
  // The standard's [Clamp] unsigned short.
  const clamped = code === undefined ? 1000 : Math.min(65_535, Math.max(0, Math.round(Number(code) || 0)))
  if (clamped !== 1000 && !(clamped >= 3000 && clamped <= 4999)) {
    throw domError(explain`The close code must be 1000, or 3000 to 4999, not ${clamped}.`, 'InvalidAccessError')
  }
  const text = reason === undefined ? '' : String(reason)
  if (byteLength(text) > 123) throw domError(explain`The reason of a close must have at most 123 bytes.`, 'SyntaxError')
  return { code: clamped, reason: text }
}
