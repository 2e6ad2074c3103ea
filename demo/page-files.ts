import { join } from 'node:path'
import { build, type Rolldown } from 'vite'
import { sourceAliases } from '../build/entries.js'

export interface PageFile {
  readonly type: string
  readonly body: string | Uint8Array
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
}

const here = (path: string) => join(import.meta.dirname, path)

/**
 * Builds both pages in memory, from the library's sources. Returns the files by their path; nothing is written to disk.
 */
export async function buildPages(): Promise<ReadonlyMap<string, PageFile>> {
  const result = (await build({
    configFile: false,
    root: here('page'),
    logLevel: 'warn',
    resolve: { alias: sourceAliases },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: {
        input: [here('page/index.html'), here('page/react/index.html')],
        checks: { moduleLevelDirective: false },
      },
    },
  })) as Rolldown.RolldownOutput
  const files = new Map<string, PageFile>()
  for (const file of result.output) {
    const type = TYPES[file.fileName.slice(file.fileName.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
    files.set(`/${file.fileName}`, { type, body: file.type === 'chunk' ? file.code : file.source })
  }
  files.set('/', files.get('/index.html')!)
  for (const path of ['/react', '/react/']) files.set(path, files.get('/react/index.html')!)
  return files
}
