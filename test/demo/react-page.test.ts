import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noTally, tally } from '../../demo/page/react/tally.js'
import { serveDemo, type Demo } from '../../demo/serve.js'
import { launchBrowser } from '../kit/browser.js'

let demo: Demo
let browser: Browser

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([serveDemo({ delay: 20 }), launchBrowser()])
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await demo?.close()
})

describe('the demo page in React', { timeout: 60_000 }, () => {
  it('loses nothing in a deploy, and in a break caused with its devtools', async () => {
    const page = await browser.newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await page.goto(`${demo.url}react`)
    const shown = (name: string) => page.textContent(`[data-count=${name}]`)
    await page.waitForFunction(
      () => Number(document.querySelector('[data-count=Delivered]')?.textContent?.replace(',', '')) > 50,
    )
    await page.keyboard.press('d')
    await page.waitForFunction(() => document.querySelector('#status')?.textContent?.startsWith('Deployed:'))
    expect(await page.textContent('.badge')).toBe('live')

    await page.getByRole('button', { name: 'Break it' }).click()
    await page.waitForFunction(() => document.querySelector('.badge')?.textContent === 'reconnecting')
    await page.waitForFunction(() => document.querySelector('.badge')?.textContent === 'live')
    const before = await shown('Delivered')
    await page.waitForFunction((text) => document.querySelector('[data-count=Delivered]')?.textContent !== text, before)
    expect([await shown('Lost'), await shown('Duplicated')]).toEqual(['0', '0'])
    expect(await page.getByText('handover-finished').count()).toBeGreaterThan(0)
    expect(errors).toEqual([])
    await page.close()
  })
})

describe('its tally', () => {
  it.each([
    ['all of it', [5, 6, 7, 8], { delivered: 4, lost: 0, repeated: 0 }],
    ['two missing', [1, 2, 5], { delivered: 3, lost: 2, repeated: 0 }],
    ['one twice', [1, 2, 2, 3], { delivered: 4, lost: 0, repeated: 1 }],
  ])('counts %s', (_, numbers, counts) => {
    expect(numbers.map((n) => ({ n })).reduce(tally, noTally)).toMatchObject(counts)
  })
})
