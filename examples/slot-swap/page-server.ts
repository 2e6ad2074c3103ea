import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'vite'

const root = join(import.meta.dirname, '../..')
const PAGE = `<!doctype html><title>Chat</title><h1>Chat</h1><output></output><ol></ol>
<form><input name="line" autocomplete="off" aria-label="Message"><button>Send</button></form><script src="/page.js"></script>`

/** Serves the page of `page.ts`. */
export async function servePage() {
  const alias = (name: string, file: string) => ({
    find: new RegExp(`^${name}$`),
    replacement: join(root, 'src', file),
  })
  const built = await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: [alias('livesocket', 'index.ts'), alias('livesocket/presets', 'presets/index.ts')] },
    build: {
      write: false,
      lib: { entry: join(import.meta.dirname, 'page.ts'), formats: ['iife'], name: 'page' },
    },
  })
  const [{ output }] = built as unknown as [{ output: { code: string }[] }]
  const server = createServer(({ url }, response) => {
    const script = url === '/page.js'
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html; charset=utf-8')
    response.end(script ? output[0]!.code : PAGE)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
