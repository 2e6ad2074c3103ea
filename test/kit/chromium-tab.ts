import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { launchOptions } from './browser.js'

/**
 * One tab of a Chromium of its own, driven over the DevTools protocol alone: Playwright makes every page believe that it is in
 * front and turns the back/forward cache off, and those are what is tested here.
 */
export interface ChromiumTab {
  open(url: string): Promise<void>
  /**
   * Leaves the page, which goes into the back/forward cache, and comes back to it as it was. Headless shells have no such cache:
   * there the page is told by hand that it does, and runs on.
   */
  leave(url: string): Promise<void>
  comeBack(): Promise<void>
  /** Runs `expression` in the page, and waits for it where it is a promise. */
  run<Value>(expression: string): Promise<Value>
  /** Cuts the network off, and the browser knows. What is open stays open: its data is held back. */
  offline(off: boolean): Promise<void>
  /** The window is put away: its page is hidden. */
  minimise(): Promise<void>
  /** What draws the page, and runs its scripts, stands still until `thaw`. */
  freeze(): Promise<void>
  thaw(): void
  close(): Promise<void>
}

export async function openChromiumTab(): Promise<ChromiumTab> {
  const profile = await mkdtemp(join(tmpdir(), 'livesocket-chromium-'))
  const chromium = spawn(
    launchOptions.executablePath!,
    [...launchOptions.args!, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const gone = new Promise<void>((resolve) => chromium.once('exit', () => resolve()))
  const devtools = await connect(await address(chromium.stderr))
  const { product } = await devtools.call<{ product: string }>('Browser.getVersion')
  const isShell = product.startsWith('Headless')
  const { targetId } = await devtools.call<{ targetId: string }>('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await devtools.call<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true })
  const call = <Result>(method: string, params: object = {}) => devtools.call<Result>(method, params, sessionId)
  await call('Page.enable')
  await call('Network.enable')
  let frozen: number[] = []

  const tab: ChromiumTab = {
    async open(url) {
      const loaded = devtools.event('Page.loadEventFired')
      await call('Page.navigate', { url })
      await loaded
    },
    async leave(url) {
      if (isShell) await tab.run("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
      else await tab.open(url)
    },
    async comeBack() {
      if (isShell) return tab.run("void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
      const { currentIndex, entries } = await call<{ currentIndex: number; entries: { id: number }[] }>('Page.getNavigationHistory')
      const arrived = devtools.event<{ type: string }>('Page.frameNavigated')
      await call('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1]!.id })
      const { type } = await arrived
      if (type !== 'BackForwardCacheRestore') throw new Error('the page did not come out of the back/forward cache')
    },
    async run<Value>(expression: string) {
      const { result, exceptionDetails } = await call<{ result: { value: Value }; exceptionDetails?: { exception?: { description?: string } } }>('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
      })
      if (exceptionDetails) throw new Error(`in the page: ${exceptionDetails.exception?.description ?? 'it threw'}`)
      return result.value
    },
    offline: (off) => call('Network.emulateNetworkConditions', { offline: off, latency: 0, downloadThroughput: -1, uploadThroughput: -1 }),
    async minimise() {
      const { windowId } = await devtools.call<{ windowId: number }>('Browser.getWindowForTarget', { targetId })
      await devtools.call('Browser.setWindowBounds', { windowId, bounds: { windowState: 'minimized' } })
    },
    async freeze() {
      const { processInfo } = await devtools.call<{ processInfo: { type: string; id: number }[] }>('SystemInfo.getProcessInfo')
      frozen = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
      for (const id of frozen) process.kill(id, 'SIGSTOP')
    },
    thaw() {
      for (const id of frozen.splice(0)) process.kill(id, 'SIGCONT')
    },
    async close() {
      tab.thaw()
      devtools.close()
      chromium.kill()
      await gone
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return tab
}

/** Where it listens, as it says on stderr when it is ready. */
function address(stderr: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    stderr.on('data', (chunk: Buffer) => {
      said += String(chunk)
      const found = /DevTools listening on (\S+)/.exec(said)
      if (found) resolve(found[1]!)
    })
    stderr.once('end', () => reject(new Error(`Chromium ended before it listened: ${said}`)))
  })
}

async function connect(url: string) {
  const ws = new WebSocket(url)
  await new Promise<void>((resolve, reject) => ws.once('open', resolve).once('error', reject))
  const calls = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  const events = new Map<string, (params: never) => void>()
  let count = 0
  ws.on('message', (data) => {
    const { id, result, error, method, params } = JSON.parse(String(data)) as { id?: number; result?: never; error?: { message: string }; method?: string; params?: never }
    if (id === undefined) return events.get(method!)?.(params!)
    if (error) calls.get(id)?.reject(new Error(`DevTools: ${error.message}`))
    else calls.get(id)?.resolve(result!)
    calls.delete(id)
  })
  ws.on('close', () => {
    for (const { reject } of calls.values()) reject(new Error('Chromium is gone'))
  })
  return {
    call: <Result>(method: string, params: object = {}, sessionId?: string) =>
      new Promise<Result>((resolve, reject) => {
        calls.set(++count, { resolve, reject })
        ws.send(JSON.stringify({ id: count, method, params, ...(sessionId ? { sessionId } : {}) }))
      }),
    /** The next event of that name. */
    event: <Params>(method: string) => new Promise<Params>((resolve) => void events.set(method, resolve)),
    close: () => ws.close(),
  }
}
