import { launchChromium } from './chromium-devtools.js'

/**
 * One tab of a Chromium of its own, driven over the DevTools protocol alone: Playwright makes every page believe that
 * it is in front and turns the back/forward cache off, and those are what is tested here.
 */
export interface ChromiumTab {
  open(url: string): Promise<void>
  /**
   * Leaves the page, which goes into the back/forward cache, and comes back to it as it was. Headless shells have no
   * such cache: there the page is told by hand that it does, and runs on.
   */
  leave(url: string): Promise<void>
  comeBack(): Promise<void>
  /** Runs `expression` in the page, and waits for it where it is a promise. */
  run<Value>(expression: string): Promise<Value>
  /** Cuts the network off, and the browser knows. What is open stays open: its data is held back. */
  offline(off: boolean): Promise<void>
  /** The window is put away: its page is hidden. */
  minimise(): Promise<void>
  /** The browser freezes the page, as it does with hidden ones that it wants no work of; or lets it go on. */
  lifecycle(state: 'frozen' | 'active'): Promise<void>
  /** What draws the page, and runs its scripts, stands still until `thaw`. */
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
