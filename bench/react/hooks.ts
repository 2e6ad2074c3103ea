import { fork, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { build, type Rolldown } from 'vite'
import type { FeedOrder } from './feed.js'
import type { Measured } from './page/meter.js'

const root = join(import.meta.dirname, '..', '..')

/** The page of all contenders, built for production, and served from memory. */
export async function servePage(): Promise<{ url: string; close(): void }> {
  const { output } = (await build({
    root: join(import.meta.dirname, 'page'),
    configFile: false,
    logLevel: 'silent',
    resolve: {
      alias: [
        { find: /^livesocket$/, replacement: join(root, 'src/index.ts') },
        { find: /^livesocket\/react$/, replacement: join(root, 'src/react/index.ts') },
      ],
    },
    build: { write: false, minify: true, modulePreload: false, rolldownOptions: { checks: { moduleLevelDirective: false } } },
  })) as Rolldown.RolldownOutput
  const files = new Map(output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]))
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://page').pathname
    const file = files.get(path === '/' ? '/index.html' : path)
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': path === '/' ? 'text/html' : 'text/javascript' })
    response.end(file)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => void server.close() }
}

/** A process of its own that sends: neither the browser's driver nor the page slows it down. */
export async function startFeed(): Promise<{ url: string; send(order: FeedOrder): Promise<void>; close(): void }> {
  const child = fork(join(import.meta.dirname, 'feed.ts'), { execArgv: ['--import', 'tsx'] })
  const { port } = await told<{ port: number }>(child)
  return {
    url: `ws://127.0.0.1:${port}`,
    async send(order) {
      child.send(order)
      await told(child)
    },
    close: () => child.disconnect(),
  }
}

function told<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`the feed ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message as Message)
    })
  })
}

export interface Run {
  readonly contender: string
  readonly feed: FeedOrder
  readonly rows?: number
  readonly cells?: number
}

/** Runs one contender in a fresh page; gives what one component saw, how long the page's thread was busy (ms), and how often each of many rendered. */
export async function runHooks(browser: Browser, page: string, feed: Awaited<ReturnType<typeof startFeed>>, { contender, feed: order, rows = 0, cells = 0 }: Run) {
  const context = await browser.newContext()
  try {
    const tab = await context.newPage()
    const faults: string[] = []
    tab.on('pageerror', (error) => void faults.push(String(error)))
    const query = new URLSearchParams({ contender, feed: feed.url, rows: String(rows), cells: String(cells) })
    await tab.goto(`${page}?${query}`)
    await tab.waitForFunction(() => window.ready)
    const devtools = await context.newCDPSession(tab)
    await devtools.send('Performance.enable')
    const busy = async () => (await devtools.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')!.value * 1_000
    const before = await busy()
    await feed.send(order)
    // What is on its way arrives, however long the page needs for it.
    let last = -1
    for (;;) {
      await tab.waitForTimeout(400)
      const { renders, seen } = await tab.evaluate(() => window.measured())
      const all = renders + seen + (await tab.evaluate(() => window.cellRenders().reduce((sum, one) => sum + one, 0)))
      if (all === last) break
      last = all
    }
    if (faults.length > 0) throw new Error(`${contender}: ${faults.join('; ')}`)
    const measured: Measured = await tab.evaluate(() => window.measured())
    return { measured, busy: Math.round((await busy()) - before), cells: await tab.evaluate(() => window.cellRenders()) }
  } finally {
    await context.close()
  }
}
