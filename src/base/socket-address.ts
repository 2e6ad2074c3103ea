/**
 * The base of relative URLs: the document's base, which `<base>`, srcdoc and popups change, or a worker's location.
 * Undefined if there is no page.
 */
export function baseUrl(): string | undefined {
  if (typeof document === 'object' && typeof document?.baseURI === 'string') return document.baseURI
  return typeof location === 'object' ? location?.href : undefined
}

const ABSOLUTE = /^\s*[a-z][a-z\d+.-]*:\/\//i

export interface SocketAddress {
  /** With the scheme `ws:` or `wss:`, and without a fragment. */
  readonly href: string
  /** The same as `new URL(href).origin` on a platform that knows socket URLs. */
  readonly origin: string
  readonly hasUser: boolean
  readonly hasFragment: boolean
}

/**
 * The address that a socket to this URL dials; `http:` becomes `ws:`. This edits the URL's text, since a platform's
 * `URL` may know only http and may be read-only (React Native). Returns the scheme, a string, if it is no scheme for
 * sockets. Throws if the URL cannot be parsed. The page is consulted only for a relative URL: a render on a server uses
 * absolute ones.
 */
export function socketAddress(text: string): SocketAddress | string {
  const { href } = new URL(text, ABSOLUTE.test(text) ? undefined : baseUrl())
  const [, secure, user = '', host, rest] = /^(?:http|ws)(s?):\/\/([^/?#]*@)?([^/?#]+)([^#]*)/i.exec(href) ?? []
  if (host === undefined) return /^[a-z][a-z\d+.-]*:/i.exec(href)?.[0].toLowerCase() ?? ''
  const scheme = `ws${secure!.toLowerCase()}://`
  return {
    href: scheme + user + host + rest,
    origin: scheme + host,
    hasUser: user !== '',
    hasFragment: href.includes('#'),
  }
}

/** The same, or null if the URL is no socket address or cannot be parsed. */
export function addressOf(url: string): SocketAddress | null {
  try {
    const address = socketAddress(url)
    return typeof address === 'object' ? address : null
  } catch {
    return null
  }
}
