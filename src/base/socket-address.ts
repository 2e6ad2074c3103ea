/**
 * What a relative URL is relative to: the document's base, which `<base>`, srcdoc and popups change, or a worker's
 * place. Undefined: there is no page.
 */
export function baseUrl(): string | undefined {
  if (typeof document === 'object' && typeof document?.baseURI === 'string') return document.baseURI
  return typeof location === 'object' ? location?.href : undefined
}

const ABSOLUTE = /^\s*[a-z][a-z\d+.-]*:\/\//i

export interface SocketAddress {
  /** With `ws:` or `wss:`, and without a fragment. */
  readonly href: string
  /** As `new URL(href).origin` gives it on a platform that knows sockets. */
  readonly origin: string
  readonly hasUser: boolean
  readonly hasFragment: boolean
}

/**
 * Where a socket to that URL goes: `http:` means `ws:`. By its text alone, since a platform's URL may know http only
 * and may not be changed (React Native). A string is what it has instead of a scheme for sockets. Throws where it
 * cannot be parsed. The page is looked at for a relative URL alone: a render on a server gives absolute ones.
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

/** The same, or null where there is none. */
export function addressOf(url: string): SocketAddress | null {
  try {
    const address = socketAddress(url)
    return typeof address === 'object' ? address : null
  } catch {
    return null
  }
}
