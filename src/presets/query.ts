/** The URL with one more part in its query. Texts alone: not every platform's URL can be changed. */
export function withQuery(url: string, name: string, value: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`
}
