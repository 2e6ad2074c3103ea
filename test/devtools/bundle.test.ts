import { build, type Rolldown } from 'vite'
import { describe, expect, it } from 'vitest'
import { sourceAliases } from '../../build/entries.js'
import { ROOT } from '../kit/source-files.js'

/** Builds an application of one module, as Vite does for production. */
async function bundle(text: string): Promise<Rolldown.OutputChunk[]> {
  const { output } = (await build({
    configFile: false,
    root: ROOT,
    logLevel: 'silent',
    resolve: { alias: sourceAliases },
    define: { 'import.meta.env.DEV': 'false' },
    plugins: [
      {
        name: 'application',
        resolveId: (id) => (id === 'application' ? '\0application' : null),
        load: (id) => (id === '\0application' ? text : null),
      },
    ],
    build: {
      write: false,
      minify: false,
      rolldownOptions: {
        input: 'application',
        external: ['react', 'react/jsx-runtime'],
        checks: { moduleLevelDirective: false },
      },
    },
  })) as Rolldown.RolldownOutput
  return output.filter((file) => file.type === 'chunk')
}

/** A text that only the panel, the recorder, the breakable class and the component contain, in this order. */
const TRACES = ['Hand over now', 'livesocket-recording-1', 'stopImmediatePropagation', 'devtools could not be loaded']

describe('the devtools in a production build', { timeout: 60_000 }, () => {
  it('are not in the bundle if nothing imports them', async () => {
    const chunks = await bundle(`
      import { createLiveSocket } from 'livesocket'
      import * as hooks from 'livesocket/react'
      console.log(createLiveSocket({ url: 'wss://live.test' }), hooks)`)
    const all = chunks.map(({ code }) => code).join('\n')
    expect(all).toContain('handover-started')
    for (const trace of TRACES) expect(all).not.toContain(trace)
    expect(chunks.flatMap(({ moduleIds }) => moduleIds).filter((id) => id.includes('src/devtools'))).toEqual([])
  })

  it('are a chunk of their own where the component is used', async () => {
    const chunks = await bundle(`
      import { LiveSocketDevtools } from 'livesocket/devtools'
      console.log(LiveSocketDevtools)`)
    const entry = chunks.find(({ isEntry }) => isEntry)!
    expect(entry.code).toContain('devtools could not be loaded')
    expect(entry.code).not.toContain('Hand over now')
    expect(chunks.some(({ isEntry, code }) => !isEntry && code.includes('Hand over now'))).toBe(true)
  })

  it('need no React if the plain ones are imported', async () => {
    const chunks = await bundle(`
      import { breakable, mountDevtools } from 'livesocket/devtools/plain'
      console.log(breakable, mountDevtools)`)
    expect(chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports])).toEqual([])
    expect(chunks[0]!.code).toContain('Hand over now')
  })

  it.each([
    [
      'the component',
      "import { LiveSocketDevtools } from 'livesocket/devtools'\nif (import.meta.env.DEV) console.log(LiveSocketDevtools)",
    ],
    ['an import of them', "if (import.meta.env.DEV) import('livesocket/devtools').then(console.log)"],
  ])('are never loaded if %s is behind a condition that the build can evaluate', async (_, text) => {
    const chunks = await bundle(text)
    const entry = chunks.find(({ isEntry }) => isEntry)!
    expect([entry.imports, entry.dynamicImports]).toEqual([[], []])
    for (const trace of TRACES) expect(entry.code).not.toContain(trace)
  })
})
