import { launchChromium } from '../../test/kit/chromium-devtools.js'
import type { DrivenBrowser, DrivenTab } from './driven-browser.js'

/** Chromium, driven over its DevTools protocol. It accepts the self-signed certificates of the test servers. */
export async function openChromium(): Promise<DrivenBrowser> {
  const devtools = await launchChromium(['--ignore-certificate-errors'])
  // Downloads are dropped: only what happens to the page matters here.
  await devtools.call('Browser.setDownloadBehavior', { behavior: 'deny' })

  async function openTab(): Promise<DrivenTab> {
    // Each tab has a window of its own, so that it can be hidden alone.
    const { targetId } = await devtools.call<{ targetId: string }>('Target.createTarget', {
      url: 'about:blank',
      newWindow: true,
    })
    const { sessionId } = await devtools.call<{ sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    })
    const call = <Result>(method: string, params: object = {}) => devtools.call<Result>(method, params, sessionId)
    await call('Page.enable')
    await call('Network.enable')
    const step = async (by: number) => {
      const { currentIndex, entries } = await call<{ currentIndex: number; entries: { id: number }[] }>(
        'Page.getNavigationHistory',
      )
      const arrived = devtools.event('Page.frameNavigated')
      await call('Page.navigateToHistoryEntry', { entryId: entries[currentIndex + by]!.id })
      await arrived
    }
    const window = async (windowState: string) => {
      const { windowId } = await devtools.call<{ windowId: number }>('Browser.getWindowForTarget', { targetId })
      await devtools.call('Browser.setWindowBounds', { windowId, bounds: { windowState } })
    }
    return {
      async open(url) {
        const loaded = devtools.event('Page.loadEventFired')
        await call('Page.navigate', { url })
        await loaded
      },
      run: (expression) => devtools.evaluate(expression, sessionId),
      back: () => step(-1),
      forward: () => step(1),
      hide: () => window('minimized'),
      show: () => window('normal'),
      offline: (off) =>
        call('Network.emulateNetworkConditions', {
          offline: off,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput: -1,
        }),
      async heap() {
        await call('HeapProfiler.collectGarbage')
        return (await call<{ usedSize: number }>('Runtime.getHeapUsage')).usedSize
      },
      close: () => devtools.call('Target.closeTarget', { targetId }),
    }
  }

  return { name: 'chromium', product: devtools.product.replace('/', ' '), openTab, close: () => devtools.close() }
}
