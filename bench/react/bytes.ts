import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'

const root = join(import.meta.dirname, '..', '..')

/**
 * Bytes that a page loads for this module: bundled and minified for production with React left out, and packed by gzip.
 */
async function bundledBytes(code: string): Promise<number> {
  const entry = join(root, 'bundled-entry.js')
  const output = (await build({
    root,
    configFile: false,
    logLevel: 'silent',
    // A test run is no production to Vite, whatever it builds.
    oxc: { jsx: { runtime: 'automatic', development: false } },
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: {
      alias: [
        { find: /^livesocket$/, replacement: join(root, 'src/index.ts') },
        { find: /^livesocket\/react$/, replacement: join(root, 'src/react/index.ts') },
      ],
    },
    plugins: [
      {
        name: 'entry',
        enforce: 'pre',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? code : null),
      },
    ],
    build: {
      write: false,
      minify: true,
      // Not as a library: of those Vite leaves the white space in.
      rolldownOptions: {
        input: entry,
        preserveEntrySignatures: 'strict',
        external: /^react(-dom)?(\/|$)/,
        checks: { moduleLevelDirective: false },
      },
    },
  })) as Rolldown.RolldownOutput
  return output.output.reduce(
    (sum, file) => sum + (file.type === 'chunk' ? gzipSync(file.code, { level: 9 }).length : 0),
    0,
  )
}

const CORE = "export { createLiveSocket } from 'livesocket'"

export interface Bytes {
  readonly core: number
  /** All the hooks, over the core. */
  readonly hooks: number
  readonly peers: Readonly<Record<string, number>>
}

export async function measureBytes(): Promise<Bytes> {
  const core = await bundledBytes(CORE)
  const all = await bundledBytes(`${CORE}\nexport * from 'livesocket/react'`)
  return {
    core,
    hooks: all - core,
    peers: {
      'react-use-websocket': await bundledBytes("export { default } from 'react-use-websocket'"),
      partysocket: await bundledBytes("export { default } from 'partysocket/use-ws'"),
    },
  }
}
