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
  readonly hasUser: boolean
  readonly hasFragment: boolean
}

/**
 * Where a socket to that URL goes: `http:` means `ws:`. By its text alone, since a platform's URL may know http only
 * and may not be changed (React Native). A string is what it has instead of a scheme for sockets. Throws where it
 * cannot be parsed. The page is looked at for a relative URL alone: a render on a server gives absolute ones.
 *
 * @param base what a relative URL is relative to; the page's base where it is absent.
 */
export function socketAddress(text: string, base?: string): SocketAddress | string {
  const { href } = new URL(text, ABSOLUTE.test(text) ? undefined : (base ?? baseUrl()))
  const [whole = '', given = ''] = /^([a-z][a-z\d+.-]*):/i.exec(href) ?? []
  const scheme = given.toLowerCase().replace(/^http/, 'ws')
  if (scheme !== 'ws' && scheme !== 'wss') return whole.toLowerCase()
  const [rest = '', ...fragment] = href.slice(whole.length).split('#')
  return {
    href: `${scheme}:${rest}`,
    hasUser: (/^\/\/([^/?]*)/.exec(rest)?.[1] ?? '').includes('@'),
    hasFragment: fragment.length > 0,
  }
}

/**
 * The origin of an address, as `new URL(url).origin` gives it on a platform that knows sockets; null where there is
 * none.
 */
export function originOf(url: string): string | null {
  try {
    const { origin } = new URL(url.replace(/^ws/i, 'http'))
    if (!/^[a-z]+:\/\/./.test(origin)) return null
    return /^ws/i.test(url) ? origin.replace(/^http/, 'ws') : origin
  } catch {
    return null
  }
}
