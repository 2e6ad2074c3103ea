import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { bundleForPage } from '../kit/compile.js'
import type { PeerContender } from '../kit/contender.js'
import type { PlainBrowser } from '../kit/plain-browser.js'
import { ROOT } from '../kit/root.js'
import { compareBlocks, type Blocks, type Compared } from './blocks.js'

/** Longer than a page takes on a busy machine, ms. */
const PATIENCE = 30_000

export async function compareInChromium(
  browser: PlainBrowser,
  { peer, build }: PeerContender,
  blocks: Blocks,
): Promise<Compared> {
  const bench = join(ROOT, 'bench')
  const code = `import { peer } from ${JSON.stringify(join(bench, `peers/${peer}.ts`))}\nimport { offer } from ${JSON.stringify(join(bench, 'cpu/page.ts'))}\nvoid offer(peer)`
  const page = await serveScript(await bundleForPage(build, code))
  const tab = await browser.open(page.url)
  try {
    for (const start = performance.now(); !(await tab.evaluate<boolean>('"pair" in window')); await setTimeout(20)) {
      if (performance.now() - start > PATIENCE) throw new Error(`${peer} had no connection within ${PATIENCE} ms`)
    }
    const call = (text: string) => tab.evaluate<void>(`(async () => { await window.pair.${text} })()`)
    return await compareBlocks(blocks, {
      prepare: (messages) => call(`prepare(${messages})`),
      parse: () => call('parse()'),
      client: () => call('client()'),
      cpu: tab.cpu,
    })
  } finally {
    await tab.close()
    page.close()
  }
}

async function serveScript(script: string): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    const isPage = request.url === '/'
    response.writeHead(200, { 'content-type': isPage ? 'text/html' : 'text/javascript' })
    response.end(
      isPage ? '<!doctype html><meta charset="utf-8"><script type="module" src="/script.js"></script>' : script,
    )
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => void server.close() }
}
