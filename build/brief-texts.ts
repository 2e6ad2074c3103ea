import { createHash } from 'node:crypto'
import MagicString from 'magic-string'
import { parseAst, type Plugin } from 'vite'

/**
 * Replaces every developer text, `explain` with a template, by a short key. A key is a hash of its text, so it means
 * the same in every release.
 *
 * @param list the build's file with the text of every key, with `{}` in the place of a value. Default: none.
 */
export function briefTexts({ list }: { readonly list?: string } = {}): Plugin {
  const texts = new Map<string, string>()
  return {
    name: 'brief-texts',
    enforce: 'pre',
    config: () => ({ define: { BRIEF_TEXTS: 'true' } }),
    transform(code, id) {
      if (!/\.tsx?$/.test(id) || !code.includes('explain`')) return null
      const short = new MagicString(code)
      for (const { start, end, quasi } of explanations(parseAst(code, { lang: id.endsWith('x') ? 'tsx' : 'ts' }))) {
        const text = quasi.quasis.map(({ value }) => value.cooked).join('{}')
        const key = keyOf(text)
        if ((texts.get(key) ?? text) !== text)
          this.error(`Two texts have the key ${key}; say one in other words: ${text}`)
        texts.set(key, text)
        const edges = [start, ...quasi.expressions.flatMap((value) => [value.start, value.end]), end]
        for (let at = 0; at < edges.length; at += 2) {
          const call = at === 0 ? `explain("${key}"` : ''
          short.update(edges[at]!, edges[at + 1]!, call + (at === edges.length - 2 ? ')' : ', '))
        }
      }
      return { code: short.toString(), map: short.generateMap({ hires: true }) }
    },
    generateBundle() {
      const source = `${JSON.stringify(Object.fromEntries([...texts].sort()), null, 2)}\n`
      if (list !== undefined) this.emitFile({ type: 'asset', fileName: list, source })
    },
  }
}

export function keyOf(text: string): string {
  return BigInt(`0x${createHash('sha256').update(text).digest('hex')}`)
    .toString(36)
    .slice(-3)
}

interface Explanation {
  readonly start: number
  readonly end: number
  readonly quasi: {
    readonly quasis: readonly { readonly value: { readonly cooked: string } }[]
    readonly expressions: readonly { readonly start: number; readonly end: number }[]
  }
}

/** Every `explain` with a template in this part of a syntax tree, including nested ones. */
function explanations(part: unknown): Explanation[] {
  if (typeof part !== 'object' || part === null) return []
  const { type, tag } = part as { readonly type?: string; readonly tag?: { readonly name?: string } }
  const inner = Object.values(part).flatMap(explanations)
  return type === 'TaggedTemplateExpression' && tag?.name === 'explain'
    ? [part as unknown as Explanation, ...inner]
    : inner
}
