import { invalid, shown } from '../../base/invalid.js'

/** Whether a page with that Origin may connect; `host` is the request's Host header. */
export type OriginCheck = (origin: string | undefined, host: string | undefined) => boolean

/**
 * A page may open a WebSocket to any host, and the browser sends the cookies that this host has set. Only the Origin
 * tells whose page it is. It is compared as a whole, never by prefix, suffix or pattern. Throws `invalid` for a list
 * with an entry that could never match.
 */
export function originCheck(allowed: readonly string[] | '*' | undefined): OriginCheck {
  if (allowed === '*') return () => true
  if (allowed === undefined) return (origin, host) => origin === undefined || sameHost(origin, host)
  if (!Array.isArray(allowed)) throw invalid(`allowedOrigins must be a list of origins or '*', not ${shown(allowed)}`)
  const list = new Set<string>()
  for (const entry of allowed) {
    if (entry !== 'null' && !isOrigin(entry)) {
      throw invalid(
        `allowedOrigins must hold origins as browsers send them, such as "https://example.com" or "capacitor://localhost", not ${shown(entry)}`,
      )
    }
    list.add(entry)
  }
  return (origin) => origin === undefined || list.has(origin)
}

function isOrigin(entry: unknown): boolean {
  return typeof entry === 'string' && (parsed(entry)?.origin === entry || isOriginOfApp(entry))
}

/**
 * `capacitor://localhost`, `tauri://localhost`, `chrome-extension://…`, `app://.`: for such schemes `URL` reports no
 * origin, and browsers send one.
 */
function isOriginOfApp(entry: string): boolean {
  return (/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+$/.test(entry) && parsed(entry)?.origin === 'null') || entry === 'file://'
}

/** The Origin `null`, which sandboxed frames and files send, belongs to no host. */
function sameHost(origin: string, host: string | undefined): boolean {
  const page = parsed(origin)
  if (!page || page.origin !== origin || host === undefined) return false
  // A Host header without a port means the scheme's default port, which `URL` leaves out of `host`.
  return page.host === parsed(`${page.protocol}//${host}`)?.host
}

function parsed(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null
}
