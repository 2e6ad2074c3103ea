/** By key, with `{}` in place of a value: the content of `dist/production/texts.json`, which the build writes. */
export type Texts = Readonly<Record<string, string>>

/** Replaces the keys in `said`, such as `#k3f(1000, 20)`, by their sentences; null if there is no key. */
export function explained(said: string, texts: Texts): string | null {
  let found = false
  const written = (from: string): string => {
    const at = /#(\w{3})\(/.exec(from)
    if (!at) return from
    const begin = at.index + at[0].length
    const { values, end } = valuesIn(from, begin)
    const text = texts[at[1]!]
    if (text === undefined) return from.slice(0, begin) + written(from.slice(begin))
    found = true
    return from.slice(0, at.index) + filled(text, values.map(written)) + written(from.slice(end))
  }
  const sentence = written(said)
  return found ? sentence : null
}

/** The values between these parentheses, up to the closing one, or to the end of what somebody copied. */
function valuesIn(from: string, begin: number): { values: string[]; end: number } {
  let depth = 0
  let start = begin
  const values: string[] = []
  let at = begin
  for (; at < from.length && depth >= 0; at++) {
    if (from[at] === '(') depth++
    else if (from[at] === ')') depth--
    else if (depth === 0 && from.startsWith(', ', at)) {
      values.push(from.slice(start, at))
      start = at + 2
    }
  }
  return { values: [...values, from.slice(start, depth < 0 ? at - 1 : at)], end: at }
}

/** A value may contain commas: surplus parts belong to the last one. */
function filled(text: string, values: readonly string[]): string {
  const parts = text.split('{}')
  const last = parts.length - 2
  return parts.reduce(
    (said, part, at) => said + (at - 1 === last ? values.slice(last).join(', ') : (values[at - 1] ?? '…')) + part,
  )
}
