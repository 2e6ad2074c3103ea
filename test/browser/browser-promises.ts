import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BrowserName, DrivenBrowser } from '../../bench/browsers/driven-browser.js'
import { openBrowser } from '../../bench/browsers/open-browser.js'
import { runScenario } from '../../bench/browsers/run-scenario.js'
import { SCENARIOS } from '../../bench/browsers/scenarios.js'

/**
 * Quick runs of what `npm run browsers` plays, in one browser, each judged by the books of its pages and of its
 * servers.
 */
export function describeBrowser(name: BrowserName, promises: Readonly<Record<string, string>>) {
  describe(`a page in real ${name} loses nothing and gets nothing twice`, () => {
    let browser: DrivenBrowser
    beforeAll(async () => {
      browser = await openBrowser(name)
    }, 60_000)
    afterAll(() => browser?.close(), 60_000)

    it.each(Object.entries(promises).map(([scenario, promise]) => ({ scenario, promise })))(
      '$promise',
      async ({ scenario }) => {
        const outcome = await runScenario(browser, SCENARIOS.find((one) => one.name === scenario)!, { small: true })
        expect(outcome.broken).toEqual([])
        expect(outcome.delivered).toBeGreaterThan(20)
      },
      120_000,
    )
  })
}
