import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as react from 'livesocket/react'
import { listFiles, ROOT } from '../kit/source-files.js'

// Required, as it has no types of its own and this test needs none of them.
const { transformAsync } = createRequire(import.meta.url)('@babel/core') as {
  transformAsync(text: string, options: object): Promise<unknown>
}

interface CompilerEvent {
  readonly kind: string
  readonly fnName?: string | null
  readonly detail?: { readonly reason?: string; readonly options?: { readonly reason?: string } }
}

/** The React Compiler's result for a module: what it compiled, and every break of React's rules that it found. */
async function compile(name: string, text: string) {
  const compiled: string[] = []
  const broken: string[] = []
  const logger = {
    logEvent(_file: string | null, { kind, fnName, detail }: CompilerEvent) {
      if (kind === 'CompileSuccess') compiled.push(fnName ?? '')
      else broken.push(detail?.options?.reason ?? detail?.reason ?? kind)
    },
  }
  const environment = {
    validateHooksUsage: true,
    validateRefAccessDuringRender: true,
    validateNoSetStateInRender: true,
    validatePreserveExistingMemoizationGuarantees: true,
    validateNoImpureFunctionsInRender: true,
    validateMemoizedEffectDependencies: true,
  }
  await transformAsync(text, {
    filename: name,
    configFile: false,
    babelrc: false,
    parserOpts: { plugins: ['typescript', 'jsx'] },
    plugins: [['babel-plugin-react-compiler', { panicThreshold: 'none', logger, environment }]],
  })
  return { compiled, broken }
}

describe('the hooks and components', () => {
  it('follow the rules of React: the React Compiler compiles all of them', async () => {
    const files = [
      ...listFiles('src/react', /\.tsx?$/).map((file) => `src/react/${file}`),
      'src/devtools/live-socket-devtools.tsx',
    ]
    const results = await Promise.all(files.map((file) => compile(file, readFileSync(join(ROOT, file), 'utf8'))))
    expect(results.flatMap(({ broken }) => broken)).toEqual([])
    const hooks = Object.keys(react).filter((name) => /^use|Provider$/.test(name))
    expect(hooks.length).toBeGreaterThan(7)
    expect(results.flatMap(({ compiled }) => compiled)).toEqual(
      expect.arrayContaining([...hooks, 'LiveSocketDevtools']),
    )
  })

  it.each([
    [
      'writes a ref in render',
      'export function useX(value) { const ref = useRef(value); ref.current = value; return ref }',
    ],
    ['calls a hook under a condition', 'export function useX(value) { if (value) useState(1); return value }'],
    [
      'sets state in every render',
      'export function useX(value) { const [x, set] = useState(0); set(value); return x }',
    ],
  ])('would be found by the compiler if one of them %s', async (_name, text) => {
    const { broken } = await compile('x.ts', `import { useRef, useState } from 'react'\n${text}`)
    expect(broken).not.toEqual([])
  })
})
