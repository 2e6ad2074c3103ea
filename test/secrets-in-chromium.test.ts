import { inspect } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { serveDemo } from '../demo/serve.js'
import { launchBrowser } from './kit/browser.js'

test('in a real browser a token is in no URL, console line, storage, cookie or element of the page, through a deploy and a crash', {
  timeout: 60_000,
}, async () => {
  const [demo, browser] = await Promise.all([serveDemo({ delay: 20 }), launchBrowser()])
  onTestFinished(async () => {
    await browser.close()
    await demo.close()
  })
  const page = await browser.newPage()
  const seen: { what: string; text: string }[] = []
  const tokens = new Set<string>()
  page.on('request', (request) =>
    seen.push({ what: 'request', text: inspect([request.url(), request.headers(), request.postData()]) }),
  )
  page.on('websocket', (socket) => {
    seen.push({ what: 'websocket', text: socket.url() })
    socket.on('framesent', ({ payload }) => {
      const { token } = JSON.parse(String(payload)) as { token?: string }
      if (token) tokens.add(token)
    })
    socket.on('framereceived', ({ payload }) => seen.push({ what: 'frame', text: String(payload) }))
  })
  page.on('console', (line) => seen.push({ what: 'console', text: line.text() }))
  page.on('pageerror', (error) => seen.push({ what: 'pageerror', text: inspect(error) }))
  await page.goto(demo.url)
  const live = () =>
    page.waitForFunction(() => document.querySelector<HTMLElement>('#ours-badge')?.dataset['state'] === 'live')
  await live()
  for (const [action, word] of [
    ['deploy', 'Deployed:'],
    ['crash', 'Both servers crashed'],
  ] as const) {
    await page.click(`[data-action=${action}]`)
    await page.waitForFunction((text) => document.querySelector('#status')?.textContent?.startsWith(text), word)
  }
  await live()
  const left = await page.evaluate(async () => ({
    html: document.documentElement.outerHTML,
    cookie: document.cookie,
    storage: [{ ...localStorage }, { ...sessionStorage }],
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
    timings: performance.getEntries().map((entry) => entry.toJSON() as object),
    title: [document.title, location.href, document.referrer, window.name],
  }))
  seen.push(
    { what: 'the page', text: JSON.stringify(left) },
    { what: 'cookies', text: JSON.stringify(await page.context().cookies()) },
  )
  expect(tokens.size).toBeGreaterThan(0)
  for (const token of tokens) {
    const secret = token.split('.')[2]!
    expect(secret.length).toBeGreaterThan(20)
    expect(
      seen.filter(({ text }) => text.includes(secret)).map(({ what, text }) => `${what}: ${text.slice(0, 300)}`),
    ).toEqual([])
  }
  expect(seen.filter(({ what }) => what === 'websocket').length).toBeGreaterThan(2)
})
