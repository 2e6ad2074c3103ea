/** Patterns of what looks like a credential in a text that somebody else wrote. */
const SECRETS: readonly [RegExp, string][] = [
  // A JWT, wherever it is.
  [/\beyJ[\w-]+(\.[\w-]+){0,2}/g, '[redacted]'],
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, '$1 [redacted]'],
  [
    /\b([\w-]*(?:token|secret|passw(?:or)?d|api[-_]?key|auth|signature|credential)[\w-]*)(["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi,
    '$1$2[redacted]',
  ],
  // User names and queries of URLs.
  [/\b((?:wss?|https?):\/\/)[^\s/@]+@/gi, '$1'],
  [/\b((?:wss?|https?):\/\/[^\s?#]+)[?#]\S+/gi, '$1'],
  // Long and without words: a key, a hash, or an id that may be mistaken for one.
  [/(?<![\w/.-])(?=[\w+/-]*\d)(?=[\w+/-]*[a-z])[\w+/-]{32,}={0,2}/gi, '[redacted]'],
]

const LONGEST = 300

/** The text without what looks like a credential, cut at 300 characters. */
export function redacted(text: string): string {
  const clean = SECRETS.reduce((left, [pattern, by]) => left.replace(pattern, by), text)
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}…` : clean
}

/** The same value with every text in it redacted. */
export function redactedAll<Value>(value: Value): Value {
  if (typeof value === 'string') return redacted(value) as Value
  if (Array.isArray(value)) return value.map(redactedAll) as Value
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, redactedAll<unknown>(part)])) as Value
}
