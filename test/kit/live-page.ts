import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'vite'

/** Serves a page with a live socket, and another page to navigate to. */
export interface LivePages {
  readonly port: number
  /** The page whose live socket connects to `url`, and to `second` after a failure. */
  live(url: string, options?: object, second?: string): string
  readonly elsewhere: string
  /** A link to a download: the navigation does not leave the page. */
  readonly download: string
  close(): Promise<void>
}

const scripts = new Map<string, Promise<string>>()

/** @param entry the page's script. Default: a script that puts a live client into `window.live` */
export async function serveLivePages(entry = join(import.meta.dirname, 'live-page-script.ts')): Promise<LivePages> {
  const script = scripts.get(entry) ?? bundle(entry)
  scripts.set(entry, script)
  const code = await script
  const server = createServer(({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://any')
    response.setHeader('Content-Type', pathname === '/script.js' ? 'text/javascript' : 'text/html')
    if (pathname === '/download')
      response
        .setHeader('Content-Disposition', 'attachment; filename="report.bin"')
        .setHeader('Content-Type', 'application/octet-stream')
    if (pathname === '/script.js') response.end(code)
    else if (pathname === '/live') response.end('<!doctype html><title>live</title><script src="/script.js"></script>')
    else response.end('<!doctype html><title>elsewhere</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return {
    port,
    live: (url, options = {}, second = '') =>
      `${origin}/live?${new URLSearchParams({ url, options: JSON.stringify(options), second })}`,
    elsewhere: `${origin}/elsewhere`,
    download: `${origin}/download`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function bundle(entry: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'page' } },
  })
  const [{ output }] = built as unknown as [{ output: { code: string }[] }]
  return output[0]!.code
}
