import { fork, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { build, type Rolldown } from 'vite'
import { sourceAliases } from '../../build/entries.js'
import type { FeedOrder, Sockets } from './feed.js'
import type { Measured } from './page/meter.js'
import type { PlainBrowser, Tab } from '../kit/plain-browser.js'

/** Serves the page of all contenders from memory, built for production or for development. */
export async function servePage(mode: 'production' | 'development'): Promise<{ url: string; close(): void }> {
  const { output } = (await build({
    root: join(import.meta.dirname, 'page'),
    configFile: false,
    logLevel: 'silent',
    mode,
    define: { 'process.env.NODE_ENV': JSON.stringify(mode) },
    resolve: { alias: sourceAliases },
    build: {
      write: false,
      minify: true,
      modulePreload: false,
      rolldownOptions: { checks: { moduleLevelDirective: false } },
    },
  })) as Rolldown.RolldownOutput
  const files = new Map(output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]))
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://page').pathname
    const file = files.get(path === '/' ? '/index.html' : path)
    response.writeHead(file === undefined ? 404 : 200, {
      'content-type': path === '/' ? 'text/html' : 'text/javascript',
    })
    response.end(file)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => void server.close() }
}

/** Starts a separate process that sends messages, so that neither the browser's driver nor the page slows it down. */
export async function startFeed(): Promise<{
  url: string
  send(order: FeedOrder): Promise<void>
  sockets(): Promise<Sockets>
  close(): void
}> {
  const child = fork(join(import.meta.dirname, 'feed.ts'), { execArgv: ['--import', 'tsx'] })
  const { port } = await told<{ port: number }>(child)
  return {
    url: `ws://127.0.0.1:${port}`,
    async send(order) {
      child.send(order)
      await told(child)
    },
    async sockets() {
      child.send('sockets')
      return (await told<{ sockets: Sockets }>(child)).sockets
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
  /**
   * Messages at the beginning that do not count, because the browser interprets a page's code before it compiles it.
   */
  readonly warmUp?: number
}

/** How long nothing may arrive until the page counts as done, ms. */
const QUIET = 400

/**
 * Runs one contender in a fresh page. Resolves with what one component saw, how long the page's thread was busy (ms),
 * and how often each of many components rendered.
 */
export async function runHooks(
  browser: PlainBrowser,
  page: string,
  feed: Awaited<ReturnType<typeof startFeed>>,
  { contender, feed: order, rows = 0, cells = 0, warmUp = 0 }: Run,
) {
  const query = new URLSearchParams({ contender, feed: feed.url, rows: String(rows), cells: String(cells) })
  const tab = await browser.open(`${page}?${query}`)
  try {
    await until(
      () => tab.evaluate<boolean>('window.ready === true'),
      () => tab.evaluate<string>('String(window.faults)'),
      contender,
    )
    if (warmUp > 0) {
      await feed.send({ ...order, messages: warmUp })
      await quiet(tab)
      await tab.evaluate('window.forget()')
    }
    const before = await tab.busy()
    await feed.send(order)
    await quiet(tab)
    const busy = Math.round((await tab.busy()) - before)
    const faults = await tab.evaluate<readonly string[]>('window.faults')
    if (faults.length > 0) throw new Error(`${contender}: ${faults.join('; ')}`)
    return {
      measured: await tab.evaluate<Measured>('window.measured()'),
      busy,
      cells: await tab.evaluate<readonly number[]>('window.cellRenders()'),
    }
  } finally {
    await tab.close()
  }
}

/** Longer than a hook keeps an unused subscription, ms. */
const LET_GO = 3_000

/**
 * Resolves with how many sockets `components` components on one URL open in StrictMode, and how many of them stay open
 * after the components have gone. `page` must be built for development: in production StrictMode does nothing.
 */
export async function countSockets(
  browser: PlainBrowser,
  page: string,
  feed: Awaited<ReturnType<typeof startFeed>>,
  { contender, components }: { contender: string; components: number },
) {
  const before = await feed.sockets()
  const tab = await browser.open(
    `${page}?${new URLSearchParams({ contender, feed: feed.url, connections: String(components) })}`,
  )
  try {
    await until(
      () => tab.evaluate<boolean>('window.ready === true'),
      () => tab.evaluate<string>('String(window.faults)'),
      contender,
    )
    await setTimeout(LET_GO)
    await tab.evaluate('window.unmount()')
    await setTimeout(LET_GO)
    const after = await feed.sockets()
    return { opened: after.opened - before.opened, left: after.open - before.open }
  } finally {
    await tab.close()
  }
}

/** The ways in which a frequently changing value is shown beside a transition. */
export const WAYS = ['nothing live', 'a hook', 'a hook in a root of its own', 'told in a transition']

/**
 * How long a transition takes beside a topic that changes every 50 ms and is shown in this way, ms: see
 * `page/transition.tsx`.
 */
export async function timeTransition(
  browser: PlainBrowser,
  page: string,
  feed: Awaited<ReturnType<typeof startFeed>>,
  way: string,
): Promise<number> {
  const tab = await browser.open(`${page}?${new URLSearchParams({ transition: way, feed: feed.url })}`)
  try {
    await until(
      () => tab.evaluate<boolean>('window.ready === true'),
      () => tab.evaluate<string>('String(window.faults)'),
      way,
    )
    const sent = feed.send({ to: 'live', topic: 'ticks', messages: 200, perSecond: 20 })
    await setTimeout(500)
    const took = await tab.evaluate<number>('window.switchPage()')
    await sent
    return took
  } finally {
    await tab.close()
  }
}

/** Waits until all messages have arrived, however long the page takes. */
async function quiet(tab: Tab) {
  for (let last = -1; ; ) {
    await setTimeout(QUIET)
    const all = await tab.evaluate<number>('window.counted()')
    if (all === last) return
    last = all
  }
}

/** Longer than a page and its connection take on a busy machine, ms. */
const PATIENCE = 60_000

async function until(holds: () => Promise<boolean>, faults: () => Promise<string>, contender: string) {
  for (const start = performance.now(); !(await holds()); await setTimeout(50)) {
    if (performance.now() - start > PATIENCE)
      throw new Error(
        `${contender} had no connection within ${PATIENCE} ms; faults of the page: ${(await faults()) || 'none'}`,
      )
  }
}
