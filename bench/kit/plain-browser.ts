import { launchChromium } from '../../test/kit/chromium-devtools.js'

/**
 * Chromium without an observer of its network. Playwright enables network events in every page that it opens; the
 * browser then reports each WebSocket frame to Playwright, which costs the page more than the frame itself, and more
 * for longer frames.
 */
export interface PlainBrowser {
  readonly product: string
  /** Opens a page in a profile of its own. */
  open(url: string): Promise<Tab>
  close(): Promise<void>
}

export interface Tab {
  evaluate<Value>(expression: string): Promise<Value>
  /** How long the page's thread has been busy since it began, ms. */
  busy(): Promise<number>
  /** Processor time of the page's thread since it began, ms. */
  cpu(): Promise<number>
  close(): Promise<void>
}

export async function launchPlainBrowser(): Promise<PlainBrowser> {
  const { product, call, evaluate, close } = await launchChromium()
  return {
    product,
    async open(url) {
      const { browserContextId } = await call<{ browserContextId: string }>('Target.createBrowserContext')
      const { targetId } = await call<{ targetId: string }>('Target.createTarget', { url, browserContextId })
      const { sessionId } = await call<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true })
      await call('Performance.enable', {}, sessionId)
      const metric = async (wanted: string) => {
        const { metrics } = await call<{ metrics: { name: string; value: number }[] }>(
          'Performance.getMetrics',
          {},
          sessionId,
        )
        return metrics.find(({ name }) => name === wanted)!.value * 1_000
      }
      return {
        evaluate: (expression) => evaluate(expression, sessionId),
        busy: () => metric('TaskDuration'),
        cpu: () => metric('ThreadTime'),
        close: () => call('Target.disposeBrowserContext', { browserContextId }),
      }
    },
    close,
  }
}
