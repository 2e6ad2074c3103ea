import { isAbsolute, join } from 'node:path'
import { build, type Plugin, type Rolldown } from 'vite'
import { ROOT } from './root.js'

/**
 * Compiles programs to plain JavaScript: compiling TypeScript at run time would be part of the measurement. Packages,
 * also LiveSocket, are resolved where the programs run.
 */
export async function compilePrograms({
  names,
  outDir,
}: {
  readonly names: readonly string[]
  readonly outDir: string
}): Promise<void> {
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2022',
      minify: false,
      lib: {
        entry: Object.fromEntries(names.map((name) => [name, join(ROOT, `bench/${name}.ts`)])),
        formats: ['es'],
        fileName: (_format, name) => `${name}.mjs`,
      },
      rolldownOptions: {
        external: (id) => !id.startsWith('.') && !id.startsWith('\0') && !isAbsolute(id),
        output: { chunkFileNames: 'chunks/[name]-[hash].mjs' },
      },
    },
  })
}

/**
 * The code that a page loads for this module: bundled and minified for production, with this build of LiveSocket.
 * `external` is left out.
 */
export async function bundleForPage(
  build: { readonly folder: string } | string,
  code: string,
  external: RegExp = /^$/,
): Promise<string> {
  const folder = typeof build === 'string' ? build : build.folder
  const { output } = await bundle(folder, code, external)
  return output.map((file) => (file.type === 'chunk' ? file.code : '')).join('\n')
}

async function bundle(folder: string, code: string, external: RegExp): Promise<Rolldown.RolldownOutput> {
  const entry = join(folder, 'bundled-entry.js')
  const plugin: Plugin = {
    name: 'staged',
    enforce: 'pre',
    resolveId(id, _importer, options) {
      if (id === entry) return id
      // Every import of livesocket resolves to this build.
      return /^livesocket(\/|$)/.test(id) ? this.resolve(id, entry, { ...options, skipSelf: true }) : null
    },
    load: (id) => (id === entry ? code : null),
  }
  return (await build({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    mode: 'production',
    // In a test run Vite does not assume production, so production is set here.
    resolve: { conditions: ['module', 'browser', 'production'] },
    oxc: { jsx: { runtime: 'automatic', development: false } },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [plugin],
    build: {
      write: false,
      minify: true,
      modulePreload: false,
      // Not in library mode: there Vite keeps white space.
      rolldownOptions: {
        input: entry,
        preserveEntrySignatures: 'strict',
        external: (id) => external.test(id),
        checks: { moduleLevelDirective: false },
      },
    },
  })) as Rolldown.RolldownOutput
}
