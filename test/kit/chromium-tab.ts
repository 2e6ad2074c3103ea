import { launchChromium } from './chromium-devtools.js'

/**
 * One tab of a Chromium of its own, driven only over the DevTools protocol. Playwright makes every page believe that it
 * is in front and disables the back/forward cache, and both are under test here.
 */
export interface ChromiumTab {
  open(url: string): Promise<void>
  /**
   * Leaves the page, which enters the back/forward cache; `comeBack` restores it. Headless shells have no such cache:
   * there the page gets the events by hand and keeps running.
   */
  leave(url: string): Promise<void>
  comeBack(): Promise<void>
  /** Runs `expression` in the page. If the result is a promise, waits for it. */
  run<Value>(expression: string): Promise<Value>
  /** Cuts off the network, and the browser knows. Open connections stay open, but their data is held back. */
  offline(off: boolean): Promise<void>
  /** Minimises the window: its page is hidden. */
  minimise(): Promise<void>
  /** The browser freezes the page, as it does with hidden pages to save work; or lets it continue. */
  lifecycle(state: 'frozen' | 'active'): Promise<void>
  /** Stops the renderer process, which draws the page and runs its scripts, until `thaw`. */
  freeze(): Promise<void>
  thaw(): void
  close(): Promise<void>
}

export async function openChromiumTab(): Promise<ChromiumTab> {
  const devtools = await launchChromium()
  const isShell = devtools.product.startsWith('Headless')
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
      const { currentIndex, entries } = await call<{ currentIndex: number; entries: { id: number }[] }>(
        'Page.getNavigationHistory',
      )
      const arrived = devtools.event<{ type: string }>('Page.frameNavigated')
      await call('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1]!.id })
      const { type } = await arrived
      if (type !== 'BackForwardCacheRestore') throw new Error('the page did not come out of the back/forward cache')
    },
    run: (expression) => devtools.evaluate(expression, sessionId),
    offline: (off) =>
      call('Network.emulateNetworkConditions', {
        offline: off,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      }),
    async minimise() {
      const { windowId } = await devtools.call<{ windowId: number }>('Browser.getWindowForTarget', { targetId })
      await devtools.call('Browser.setWindowBounds', { windowId, bounds: { windowState: 'minimized' } })
    },
    lifecycle: (state) => call('Page.setWebLifecycleState', { state }),
    async freeze() {
      const { processInfo } = await devtools.call<{ processInfo: { type: string; id: number }[] }>(
        'SystemInfo.getProcessInfo',
      )
      frozen = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
      for (const id of frozen) process.kill(id, 'SIGSTOP')
    },
    thaw() {
      for (const id of frozen.splice(0)) process.kill(id, 'SIGCONT')
    },
    async close() {
      tab.thaw()
      await devtools.close()
    },
  }
  return tab
}
