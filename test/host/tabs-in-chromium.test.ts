import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { build, type Rolldown } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createLiveServer, type LiveServer } from '../../src/server/index.js'
import { launchBrowser } from '../kit/browser.js'

/** Runs the whole product in real tabs of one browser, against a real server and a token service that counts calls. */

const PAGE = `<!doctype html><title>tab</title><script type="module">
import { createLiveSocket } from '/livesocket.js'
const socket = window.socket = createLiveSocket({
  url: location.origin.replace('http', 'ws') + '/live',
  getToken: async () => (await fetch('/token', { method: 'POST' })).json(),
})
window.events = []
for (const type of ['token-refreshed', 'session-ended']) socket.on(type, (event) => window.events.push({ type, ...event }))
socket.connect()
setInterval(() => socket.publish('ticks', 0).catch(() => {}), 50)
</script>`

/** The same in a dedicated or shared worker, which sends its state to the page. */
const IN_WORKER = (kind: 'Worker' | 'SharedWorker') => `<!doctype html><title>worker</title><script type="module">
const worker = new ${kind}('/worker.js', { type: 'module' })
const port = worker.port ?? worker
port.onmessage = ({ data }) => (window.socket = { store: { getState: () => data } })
</script>`

/** The same in the origin's service worker, which all pages share. */
const BY_SERVICE_WORKER = `<!doctype html><title>service worker</title><script type="module">
navigator.serviceWorker.onmessage = ({ data }) => (window.socket = { store: { getState: () => data } })
navigator.serviceWorker.startMessages()
await navigator.serviceWorker.register('/worker.js', { type: 'module' })
</script>`

const WORKER = `
import { createLiveSocket } from '/livesocket.js'
const socket = createLiveSocket({
  url: location.origin.replace('http', 'ws') + '/live',
  getToken: async () => (await fetch('/token', { method: 'POST' })).json(),
})
const ports = 'clients' in self || 'onconnect' in self ? [] : [self]
self.onconnect = ({ ports: [port] }) => ports.push(port)
setInterval(async () => {
  const { status, closed } = socket.store.getState()
  const pages = 'clients' in self ? await clients.matchAll({ includeUncontrolled: true }) : ports
  for (const page of pages) page.postMessage({ status, closed })
}, 50)
socket.connect()`

const TTL = 4_000

let browser: Browser
let code: string
let http: Server
let live: LiveServer
let url: string
let context: BrowserContext
let calls: number[]
let ended: string | null
/** The sessions whose publishes arrived, each with the time of its last one. */
let heard: Map<string, number>

beforeAll(async () => {
  const built = build({
    configFile: false,
    logLevel: 'warn',
    build: { write: false, lib: { entry: join(import.meta.dirname, '../../src/index.ts'), formats: ['es'] } },
  }) as Promise<Rolldown.RolldownOutput[]>
  const [[bundle], launched] = await Promise.all([built, launchBrowser()])
  browser = launched
  code = bundle!.output[0].code
}, 60_000)

afterAll(() => browser?.close())

beforeEach(async () => {
  calls = []
  ended = null
  heard = new Map()
  http = createServer((request, response) => {
    if (request.url === '/token') {
      calls.push(performance.now())
      const answer = ended === null ? { token: `token-${calls.length}`, ttl: TTL } : { ended }
      return void setTimeout(
        () => response.setHeader('content-type', 'application/json').end(JSON.stringify(answer)),
        30,
      )
    }
    const script = { '/livesocket.js': code, '/worker.js': WORKER }[request.url!]
    const page =
      {
        '/Worker': IN_WORKER('Worker'),
        '/SharedWorker': IN_WORKER('SharedWorker'),
        '/ServiceWorker': BY_SERVICE_WORKER,
      }[request.url!] ?? PAGE
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html').end(script ?? page)
  })
  live = createLiveServer({
    server: http,
    path: '/live',
    authenticate: ({ token }) => token !== undefined && { subject: 'ann' },
    authorize: () => true,
    onPublish: ({ session }) => void heard.set(session, performance.now()),
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`
  context = await browser.newContext()
})

afterEach(async () => {
  await context.close()
  await live.close()
  http.closeAllConnections()
  await new Promise((resolve) => http.close(resolve))
})

async function open(path: unknown = ''): Promise<Page> {
  const page = await context.newPage()
  await page.goto(typeof path === 'string' ? url + path : url)
  return page
}

const isLive = (page: Page) =>
  page.waitForFunction(
    () =>
      (window as never as { socket: { store: { getState(): { status: string } } } }).socket?.store.getState().status ===
      'live',
  )
const closed = async (page: Page) => {
  await page.waitForFunction(
    () =>
      (window as never as { socket: { store: { getState(): { closed: unknown } } } }).socket.store.getState().closed !==
      null,
  )
  return page.evaluate(
    () =>
      (window as never as { socket: { store: { getState(): { closed: { by: string } } } } }).socket.store.getState()
        .closed.by,
  )
}
const refreshes = (page: Page) =>
  page.evaluate(
    () =>
      (window as never as { events: { type: string }[] }).events.filter((event) => event.type === 'token-refreshed')
        .length,
  )
const signOut = (page: Page) =>
  page.evaluate(() => (window as never as { socket: { signOut(): void } }).socket.signOut())
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('ten tabs of one real browser', { timeout: 60_000 }, () => {
  it('make one token call when they open at once, and one for each refresh afterwards', async () => {
    const tabs = await Promise.all(Array.from({ length: 10 }, open))
    await Promise.all(tabs.map(isLive))
    // Counting starts after a refresh, so that none falls between the measurements, however long ten tabs take to open.
    const opened = calls.length
    while (calls.length === opened) await pause(50)
    await pause(500)
    const before = calls.length
    const had = await Promise.all(tabs.map(refreshes))
    while (calls.length < before + 3) await pause(100)
    await pause(500)
    // A second call while the tabs open would come sooner than the earliest refresh.
    const gaps = calls.slice(1).map((at, i) => at - calls[i]!)
    for (const gap of gaps) expect(gap).toBeGreaterThan(TTL * 0.5 - 100)
    for (const gap of gaps) expect(gap).toBeLessThan(TTL)
    expect(await Promise.all(tabs.map(refreshes))).toEqual(had.map((count) => count + calls.length - before))
  })

  it('all end when one of them signs out; nothing more is sent or fetched', async () => {
    const tabs = await Promise.all(Array.from({ length: 4 }, open))
    await Promise.all(tabs.map(isLive))
    await signOut(tabs[0]!)
    for (const tab of tabs) expect(await closed(tab)).toBe('signed-out')
    const [made, at] = [calls.length, performance.now()]
    await pause(TTL)
    expect(calls).toHaveLength(made)
    expect([...heard.values()].filter((time) => time > at)).toEqual([])
  })

  it('all end when the provider says that the login is over', async () => {
    const tabs = await Promise.all(Array.from({ length: 3 }, open))
    await Promise.all(tabs.map(isLive))
    ended = 'login expired'
    for (const tab of tabs) expect(await closed(tab)).toBe('session-ended')
    expect(calls).toHaveLength(2)
  })

  it('go on when the one that fetches a token is closed', async () => {
    const first = await context.newPage()
    await first.goto(url, { waitUntil: 'commit' })
    while (calls.length === 0) await pause(1)
    const others = [open(), open()]
    await first.close()
    for (const tab of await Promise.all(others)) await isLive(tab)
    expect(calls.length).toBeLessThanOrEqual(3)
  })
})

describe('a tab that is frozen', { timeout: 60_000 }, () => {
  it('does not delay the others, and learns of a sign-out before it sends another byte', async () => {
    const [frozen, here] = [await open(), await open()]
    await Promise.all([frozen, here].map(isLive))
    while (heard.size < 2) await pause(50)
    const devtools = await context.newCDPSession(frozen)
    await devtools.send('Debugger.enable')
    // The page stops in a task of its own. `Debugger.pause` would stop inside whatever the page does next, which then
    // completes first after resuming, and may be a publish.
    const stopped = new Promise((resolve) => devtools.once('Debugger.paused', resolve))
    void devtools.send('Runtime.evaluate', { expression: 'debugger' })
    await stopped
    await pause(500)
    const silent = [...heard].filter(([, time]) => performance.now() - time > 300).map(([session]) => session)
    expect(silent).toHaveLength(1)
    const made = calls.length
    while (calls.length === made) await pause(50)
    await pause(200)
    expect(await refreshes(here)).toBe(calls.length)
    await signOut(here)
    await pause(500)
    const last = heard.get(silent[0]!)
    await devtools.send('Debugger.resume')
    expect(await closed(frozen)).toBe('signed-out')
    await pause(500)
    expect(heard.get(silent[0]!)).toBe(last)
  })
})

describe('sockets in workers of a real browser', { timeout: 60_000 }, () => {
  it.each(['Worker', 'SharedWorker', 'ServiceWorker'])(
    'share the token of the tabs, and end when a tab signs out: %s',
    async (kind) => {
      const tab = await open()
      await isLive(tab)
      const workers = [await open(kind), await open(kind)]
      await Promise.all(workers.map(isLive))
      // Like tabs, they share each token, so calls are as far apart as refreshes.
      expect(calls.slice(1).every((at, i) => at - calls[i]! > TTL * 0.5 - 100)).toBe(true)
      await signOut(tab)
      for (const page of workers) expect(await closed(page)).toBe('signed-out')
      const made = calls.length
      await pause(TTL)
      expect(calls).toHaveLength(made)
    },
  )
})
