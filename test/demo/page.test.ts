import { get } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

async function open(): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(demo.url)
  await page.waitForFunction(() =>
    [...document.querySelectorAll<HTMLElement>('.badge')].every((badge) => badge.dataset['state'] === 'live'),
  )
  return { page, errors }
}

const shown = (page: Page, field: string) => page.textContent(`[data-ours="${field}"]`)

describe('the demo page', { timeout: 60_000 }, () => {
  it('is still served after requests for anything else', async () => {
    const status = (path: string) =>
      new Promise((resolve, reject) => {
        get(new URL(demo.url), { path }, ({ statusCode }) => resolve(statusCode)).on('error', reject)
      })
    expect([await status('//'), await status('/')]).toEqual([404, 200])
  })

  it('shows that a deploy, started with a key, costs LiveSocket nothing', async () => {
    const { page, errors } = await open()
    await page.waitForFunction(() => Number(document.querySelector('[data-ours="delivered"]')?.textContent) > 50)
    await page.keyboard.press('d')
    await page.waitForFunction(() => document.querySelector('#status')?.textContent?.startsWith('Deployed:'))
    // The server's count of messages sent a second before is compared once more after the deploy.
    await page.waitForFunction(() => document.querySelector('#status')?.textContent?.includes('LiveSocket lost 0 '))
    expect(await Promise.all(['lost', 'repeated', 'reordered', 'notLive'].map((field) => shown(page, field)))).toEqual([
      '0',
      '0',
      '0',
      '0 ms',
    ])
    // Three residents, and this page. Nobody left, and the request made at the beginning was answered.
    const room = (field: string) => page.textContent(`[data-room="${field}"]`)
    expect(await Promise.all(['here', 'left', 'asked', 'answered'].map(room))).toEqual(['4', '0', '1', '1'])
    expect(await page.textContent('#asked')).toMatch(/^No\. 1: answered by server-[12], after /)
    expect(errors).toEqual([])
    await page.close()
  })

  it('reconnects on its own after the network is cut, without a loss', async () => {
    const { page, errors } = await open()
    await page.click('[data-action=cut]')
    await page.waitForFunction(() => document.querySelector<HTMLElement>('#ours-badge')?.dataset['state'] === 'down')
    await page.waitForFunction(() => document.querySelector('#status')?.textContent?.includes('LiveSocket lost 0 '))
    expect(await page.getAttribute('#ours-badge', 'data-state')).toBe('live')
    expect(errors).toEqual([])
    await page.close()
  })

  it.each(['', 'react'])('says that the demo answers again after it was away for a moment: /%s', async (path) => {
    const page = await browser.newPage()
    let asked = 0
    await page.route('**/events/*', async (route) => {
      if (asked++ === 0) await route.fulfill({ contentType: 'text/event-stream', body: 'retry: 1000\n\n' })
      else await route.continue()
    })
    await page.goto(`${demo.url}${path}`)
    await page.waitForFunction(() => document.querySelector('#status')?.textContent?.startsWith('The demo has ended'))
    await page.waitForFunction(
      () => document.querySelector('#status')?.textContent?.trim() === 'The demo answers again.',
    )
    await page.waitForSelector('[data-action=deploy]:not([disabled])')
    await page.close()
  })

  it('shows nothing to the page of another demo on the same port', async () => {
    const { status } = await fetch(new URL('/events/1', demo.url))
    expect(status).toBe(404)
  })

  it('says that the demo has ended, and disables its controls', async () => {
    const ending = await serveDemo({ delay: 20 })
    const page = await browser.newPage()
    await page.goto(ending.url)
    await page.waitForSelector('[data-action=deploy]:not([disabled])')
    await ending.close()
    await page.waitForFunction(() => document.querySelector('#status')?.textContent?.startsWith('The demo has ended'))
    expect(await page.isDisabled('[data-action=deploy]')).toBe(true)
    await page.close()
  })

  it('refuses control requests from another site', async () => {
    const answer = await fetch(new URL('/control/deploy', demo.url), {
      method: 'POST',
      headers: { origin: 'https://elsewhere.example' },
    })
    expect(answer.status).toBe(403)
  })
})
