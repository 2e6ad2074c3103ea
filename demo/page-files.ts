import { join } from 'node:path'
import { build, type Rolldown } from 'vite'

export interface PageFile {
  readonly type: string
  readonly body: string | Uint8Array
}

const TYPES: Readonly<Record<string, string>> = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css' }

/** Builds the page, with the library's sources in it, in memory: the files by their path. Nothing is written anywhere. */
export async function buildPage(): Promise<ReadonlyMap<string, PageFile>> {
  const result = (await build({
    configFile: false,
    root: join(import.meta.dirname, 'page'),
    logLevel: 'warn',
    resolve: { alias: { livesocket: join(import.meta.dirname, '../src/index.ts') } },
    build: { write: false, target: 'es2022', modulePreload: false },
  })) as Rolldown.RolldownOutput
  const files = new Map<string, PageFile>()
  for (const file of result.output) {
    const type = TYPES[file.fileName.slice(file.fileName.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
    files.set(`/${file.fileName}`, { type, body: file.type === 'chunk' ? file.code : file.source })
  }
  files.set('/', files.get('/index.html')!)
  return files
}
