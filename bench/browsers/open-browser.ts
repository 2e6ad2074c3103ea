import { openChromium } from './chromium.js'
import type { BrowserName, DrivenBrowser } from './driven-browser.js'
import { openFirefox } from './firefox.js'
import { openWebKit } from './webkit.js'

const OPENERS: Readonly<Record<BrowserName, () => Promise<DrivenBrowser>>> = {
  chromium: openChromium,
  firefox: openFirefox,
  webkit: openWebKit,
}

export const BROWSERS = Object.keys(OPENERS) as BrowserName[]

export function openBrowser(name: BrowserName): Promise<DrivenBrowser> {
  return OPENERS[name]()
}
