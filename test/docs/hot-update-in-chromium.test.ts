import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createVite } from 'vite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { DrivenBrowser } from '../../bench/browsers/driven-browser.js'
import { openBrowser } from '../../bench/browsers/open-browser.js'
import { ROOT } from '../kit/source-files.js'
import { liveServer } from '../server/kit.js'

/** What docs/react.md tells the makers of a socket at module level, word for word, but for its URL. */
async function recipe(url: string): Promise<string> {
  const page = await readFile(join(ROOT, 'docs/react.md'), 'utf8')
  const sample = page
    .split('```')
    .find((block) => block.includes('import.meta.hot'))!
    .replace(/^ts\n/, '')
  return sample.replace('wss://example.com/live', url)
}

const LAST_LINE = /^import\.meta\.hot.*\n/m

/** A page whose module makes a socket, on Vite's own server. */
async function dev(module: (url: string) => Promise<string>) {
  const live = await liveServer({ path: '/live', allowedOrigins: '*' })
  const root = await mkdtemp(join(tmpdir(), 'livesocket-hot-'))
  const write = (version: number, text: string) =>
    writeFile(join(root, 'socket.ts'), `${text}\nexport const version = ${version}\n`)
  const text = await module(live.address())
  await write(0, text)
  await writeFile(join(root, 'index.html'), '<!doctype html><script type="module" src="/main.ts"></script>')
  await writeFile(
    join(root, 'main.ts'),
    `import { version } from './socket.ts'
     document.title = 'version ' + version
     import.meta.hot.accept('./socket.ts', (module) => (document.title = 'version ' + module.version))`,
  )
  const vite = await createVite({
    configFile: false,
    root,
    logLevel: 'silent',
    resolve: { alias: { livesocket: join(ROOT, 'src/index.ts') } },
    server: { port: 0, host: '127.0.0.1', fs: { strict: false } },
  })
  await vite.listen()
  onTestFinished(async () => {
    await vite.close()
    await rm(root, { recursive: true, force: true })
  })
  return { live, url: vite.resolvedUrls!.local[0]!, update: (version: number) => write(version, text) }
}

describe('a socket that a module makes, on a dev server of Vite', () => {
  let browser: DrivenBrowser
  beforeAll(async () => void (browser = await openBrowser('chromium')), 60_000)
  afterAll(() => browser?.close(), 60_000)

  it.each([
    ['with the last line of docs/react.md leaves one connection', recipe, 1],
    ['without it leaves one behind at each', async (url: string) => (await recipe(url)).replace(LAST_LINE, ''), 4],
  ])('through three hot updates %s', { timeout: 60_000 }, async (_title, module, legs) => {
    const { live, url, update } = await dev(module)
    const tab = await browser.openTab()
    onTestFinished(() => tab.close())
    await tab.open(url)
    for (let version = 0; version <= 3; version++) {
      if (version > 0) await update(version)
      const title = () => tab.run<string>('document.title')
      await expect.poll(title, { timeout: 10_000 }).toBe(`version ${version}`)
      // The next update waits until this one has dialled.
      const there = legs === 1 ? 1 : version + 1
      await expect.poll(() => live.stats().legs, { timeout: 10_000 }).toBe(there)
    }
    expect(live.stats().legs).toBe(legs)
  })
})
