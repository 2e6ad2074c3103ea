import { describe, expect, it } from 'vitest'
import { briefTexts, keyOf } from '../../build/brief-texts.js'

/** What remains of a file, and the texts that were taken out of it. */
function built(code: string, id = '/src/a.ts') {
  const plugin = briefTexts({ list: 'texts.json' })
  let texts = ''
  const context = {
    error(message: string): never {
      throw new Error(message)
    },
    emitFile: ({ source }: { source: string }) => void (texts = source),
  }
  const hook = <Result>(name: string, ...given: unknown[]) =>
    (plugin as unknown as Record<string, (this: unknown, ...given: unknown[]) => Result>)[name]!.call(context, ...given)
  const result = hook<{ code: string } | null>('transform', code, id)
  hook('generateBundle')
  return { code: result?.code ?? null, texts: JSON.parse(texts) as Record<string, string> }
}

describe('texts for developers, in the build that pages load', () => {
  it('are keys with their values, also nested', () => {
    const { code, texts } = built(
      `const a: string = explain\`at most \${most} of \${b ? explain\`all \${n}\` : \`one\`}, please\``,
    )
    const [outer, inner] = [keyOf('at most {} of {}, please'), keyOf('all {}')]
    expect(code).toBe(`const a: string = explain("${outer}", most, b ? explain("${inner}", n) : \`one\`)`)
    expect(texts).toEqual({ [outer]: 'at most {} of {}, please', [inner]: 'all {}' })
  })

  it('may have no values, or values at both ends', () => {
    expect(built('explain`nothing \\`here\\``').code).toBe(`explain("${keyOf('nothing `here`')}")`)
    expect(built(`explain\`\${a} is \${b}\``).code).toBe(`explain("${keyOf('{} is {}')}", a, b)`)
  })

  it('are found in JSX too, and other templates are left alone', () => {
    expect(built('const a = <p title={explain`too long`} />', '/src/a.tsx').code).toContain(
      `explain("${keyOf('too long')}")`,
    )
    expect(built('const a = String.raw`x`').code).toBeNull()
  })
})
