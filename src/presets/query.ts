/**
 * The URL with one more part in its query. It works on strings alone, because some platforms have a URL that cannot be
 * changed.
 */
export function withQuery(url: string, name: string, value: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`
}
