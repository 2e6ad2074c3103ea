/** The URL as the standard's constructor has it: http means ws, and a fragment is an error. Throws a `SyntaxError` DOMException. */
export function checkUrl(given: unknown): string {
  let url: URL
  try {
    url = new URL(String(given), typeof location === 'object' ? location.href : undefined)
  } catch {
    throw new DOMException('The URL cannot be parsed.', 'SyntaxError')
  }
  if (url.protocol === 'http:') url.protocol = 'ws:'
  if (url.protocol === 'https:') url.protocol = 'wss:'
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') throw new DOMException(`A WebSocket has a ws: or wss: URL, not ${url.protocol}`, 'SyntaxError')
  if (url.href.includes('#')) throw new DOMException('The URL of a WebSocket has no fragment.', 'SyntaxError')
  return url.href
}

/** A token of RFC 9110. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export function checkSubprotocols(given: string | readonly string[]): readonly string[] {
  const all = typeof given === 'string' ? [given] : [...given].map(String)
  const names = new Set(all.map((name) => name.toLowerCase()))
  if (names.size < all.length) throw new DOMException('A subprotocol is offered twice.', 'SyntaxError')
  for (const name of all) if (!TOKEN.test(name)) throw new DOMException('A subprotocol is a token: letters, digits and no spaces.', 'SyntaxError')
  return all
}

/** What may be told at a close; without a code it is 1000, as reconnecting-websocket has it. */
export function checkClose(code: number | undefined, reason: string | undefined): { readonly code: number; readonly reason: string } {
  // As the standard's [Clamp] unsigned short.
  const clamped = code === undefined ? 1000 : Math.min(65_535, Math.max(0, Math.round(Number(code) || 0)))
  if (clamped !== 1000 && !(clamped >= 3000 && clamped <= 4999)) {
    throw new DOMException(`The close code is 1000, or 3000 to 4999: not ${clamped}.`, 'InvalidAccessError')
  }
  const text = reason === undefined ? '' : String(reason)
  if (new TextEncoder().encode(text).length > 123) throw new DOMException('The reason of a close has at most 123 bytes.', 'SyntaxError')
  return { code: clamped, reason: text }
}
