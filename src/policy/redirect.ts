import { explain } from '../base/explanation.js'
import { addressOf } from '../base/socket-address.js'

/** No honest address is longer than this many characters. */
const MAX_URL = 2_048

/** The text itself must be absolute: a parser would complete `wss:` alone or `//host` from whatever base it uses. */
const ABSOLUTE = /^wss?:\/\/[^/]/i

const USER = /^[^/]+\/\/[^/?#]*@/

/** A parser strips or rewrites these characters, so a reader and the parser would see different hosts. */
const TREACHEROUS = /[\u0000-\u0020\u007f-\u009f\\\s]/u

/** The URL to dial, or why a server's `url` is refused. */
export type RedirectVerdict = { readonly url: string } | { readonly refused: string }

/**
 * Client rule 2: a `url` is followed only if it is absolute, is `wss:` (or `ws:` where the configured URL is), contains
 * no user info and no fragment, and has an origin that is the configured one or is exactly on the list. The returned
 * address is the parsed one, so that what was checked is what is dialled. A refusal names the rule and at most the
 * origin, since a query may contain a secret.
 *
 * @param configured the application's own URL. `http:` and `https:` count as `ws:` and `wss:`, as in a browser's
 *   WebSocket.
 * @param allowedOrigins as `new URL(url).origin` gives them for the addresses to dial, such as `wss://b.example.com`.
 *   The comparison is exact: `https://b.example.com` is the origin of a page, not of a WebSocket, and matches nothing;
 *   neither does an entry with a path or with a default port.
 */
export function checkRedirect(url: string, configured: string, allowedOrigins: readonly string[]): RedirectVerdict {
  if (url.length > MAX_URL) return { refused: explain`the url is longer than ${MAX_URL} characters` }
  if (TREACHEROUS.test(url)) return { refused: explain`the url holds white space, a control character or a backslash` }
  if (!ABSOLUTE.test(url))
    return { refused: explain`the url is not an absolute one that starts with wss:// (or ws://)` }
  // Checked in the text: a parser drops empty user info, and `@` before the path misleads a reader of the address.
  if (USER.test(url)) return { refused: explain`the url contains user info` }
  const address = addressOf(url)
  if (!address) return { refused: explain`the url cannot be parsed` }
  const { origin, href, hasFragment } = address
  const own = addressOf(configured)?.origin ?? ''
  if (origin.startsWith('ws:') && !own.startsWith('ws:'))
    return { refused: explain`the url is ws: while the configured one is encrypted` }
  if (hasFragment) return { refused: explain`the url contains a fragment` }
  if (origin !== own && !allowedOrigins.includes(origin))
    return { refused: explain`the origin ${origin} is neither the configured one nor in handover.redirectOrigins` }
  return { url: href }
}
