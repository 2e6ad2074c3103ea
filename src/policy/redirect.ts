import { explain } from '../base/explanation.js'
import { addressOf } from '../base/socket-address.js'

/** Longer ones are nobody's honest address. */
const MAX_URL = 2_048

/** Absolute in the text itself: `wss:` alone or `//host` would be completed by a parser, from what it likes. */
const ABSOLUTE = /^wss?:\/\/[^/]/i

const USER = /^[^/]+\/\/[^/?#]*@/

/** A parser strips or rewrites these, so that a reader and the parser see different hosts. */
const TREACHEROUS = /[\u0000-\u0020\u007f-\u009f\\\s]/u

/** Where a server's `url` may lead. */
export type RedirectVerdict = { readonly url: string } | { readonly refused: string }

/**
 * Client rule 2: follows a `url` only where it is absolute, `wss:` (or `ws:` where the configured URL is), bears
 * no user info and no fragment, and its origin is the configured one or exactly on the list. The address to dial is the
 * parsed one, so that what was checked is what is dialled. A refusal names the rule and the origin at most: a query may
 * hold a secret.
 *
 * @param configured the application's own URL. `http:` and `https:` count as `ws:` and `wss:`, as a browser's WebSocket
 * has it.
 * @param allowedOrigins as `new URL(url).origin` gives them for the addresses to dial, such as `wss://b.example.com`.
 *   The comparison is exact: `https://b.example.com` is the origin of a page, not of a WebSocket, and matches nothing;
 *   so does an entry with a path or with a default port.
 */
export function checkRedirect(url: string, configured: string, allowedOrigins: readonly string[]): RedirectVerdict {
  if (url.length > MAX_URL) return { refused: explain`the url is longer than ${MAX_URL} characters` }
  if (TREACHEROUS.test(url)) return { refused: explain`the url holds white space, a control character or a backslash` }
  if (!ABSOLUTE.test(url))
    return { refused: explain`the url is not an absolute one that starts with wss:// (or ws://)` }
  // In the text: a parser forgets an empty user, and `@` before the path fools whoever reads the address.
  if (USER.test(url)) return { refused: explain`the url bears user info` }
  const address = addressOf(url)
  if (!address) return { refused: explain`the url cannot be parsed` }
  const { origin, href, hasFragment } = address
  const own = addressOf(configured)?.origin ?? ''
  if (origin.startsWith('ws:') && !own.startsWith('ws:'))
    return { refused: explain`the url is ws: while the configured one is encrypted` }
  if (hasFragment) return { refused: explain`the url bears a fragment` }
  if (origin !== own && !allowedOrigins.includes(origin))
    return { refused: explain`the origin ${origin} is neither the configured one nor in handover.redirectOrigins` }
  return { url: href }
}
