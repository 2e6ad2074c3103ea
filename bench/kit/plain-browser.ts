import { launchChromium } from '../../test/kit/chromium-devtools.js'

/**
 * Chromium as a user has it: nobody listens to its network. Playwright does, in every page it opens, and the browser
 * then tells it of each WebSocket frame – which costs the page more than the frame itself, and the more the longer it
 * is.
 */
export interface PlainBrowser {
  readonly product: string
  /** A page in a profile of its own. */
  open(url: string): Promise<Tab>
  close(): Promise<void>
}

export interface Tab {
  evaluate<Value>(expression: string): Promise<Value>
  /** How long the page's thread was busy since it began, ms. */
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
