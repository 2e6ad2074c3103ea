import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { createLiveServer } from '../../src/server/index.js'
import { launchBrowser } from '../kit/browser.js'
import { ROOT } from '../kit/source-files.js'

/** A browser whose pages come from there, until the test is over. */
async function browserOf(http: Server, ...others: readonly { close(): unknown }[]) {
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const browser = await launchBrowser()
  onTestFinished(async () => {
    await browser.close()
    for (const other of others) await other.close()
    http.close()
  })
  const errors: string[] = []
  return {
    errors,
    async open(path: string) {
      const page = await browser.newPage()
      page.on('pageerror', (error) => errors.push(error.message))
      await page.goto(`http://127.0.0.1:${(http.address() as AddressInfo).port}${path}`)
      return page
    },
  }
}

// It works from the file that the build made, so it is here, where there has been a build.
it('the example page without a build step works from the one file, through a handover, in a real browser', async () => {
  const files: Record<string, [type: string, path: string]> = {
    '/': ['text/html', 'examples/script-tag/index.html'],
    '/livesocket.global.js': ['text/javascript', 'dist/livesocket.global.js'],
  }
  const http = createServer((request, response) => {
    const [type, path] = files[request.url!] ?? []
    if (!path) return void response.writeHead(404).end()
    response.setHeader('content-type', type!).end(readFileSync(join(ROOT, path)))
  })
  const live = createLiveServer({
    server: http,
    path: '/live',
    authenticate: () => ({ subject: 'page' }),
    authorize: () => true,
  })
  const { open, errors } = await browserOf(http, live)
  const page = await open('/')
  await page.getByText('live', { exact: true }).waitFor()
  expect(
    await page.evaluate(() => Object.keys((globalThis as unknown as { livesocket: object }).livesocket).sort()),
  ).toEqual([
    'LiveSocketError',
    'LiveWebSocket',
    'bind',
    'createLiveSocket',
    'history',
    'livesocketV1',
    'presence',
    'rawProtocol',
  ])
  const say = async (text: string) => {
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Message').fill(text)
    await page.getByRole('button').click()
    await page.getByText(text).waitFor()
  }
  await say('before the handover')
  await page.evaluate('socket.handover()')
  await say('after the handover')
  expect(await page.locator('li').allTextContents()).toEqual(['ada: before the handover', 'ada: after the handover'])
  expect(errors).toEqual([])
})

/** The pages of the docs, as they are written, in their order. */
const samples = [
  ...readFileSync(join(ROOT, 'docs/without-a-bundler.md'), 'utf8').matchAll(/^```html\n([\s\S]*?)^```/gm),
].map(([, html]) => html!)

it('the pages in the docs do what they promise: signals, presence, signing out, presets, devtools, modules and the socket under another name', async () => {
  const visits: string[] = []
  const http = createServer((request, response) => {
    const { url = '' } = request
    if (url === '/token') return void response.end(JSON.stringify({ token: `guest-${visits.push(url)}`, ttl: 600_000 }))
    const sample = samples[Number(url.slice('/page/'.length))]
    if (url.startsWith('/page/') && sample) return void response.setHeader('content-type', 'text/html').end(sample)
    const file = join(ROOT, url.replace(/^\/livesocket\//, 'dist/'))
    if (!/^\/(livesocket|node_modules)\//.test(url) || !existsSync(file)) return void response.writeHead(404).end()
    response.setHeader('content-type', 'text/javascript').end(readFileSync(file))
  })
  const live = createLiveServer<{ subject: string }>({
    server: http,
    path: '/live',
    authenticate: ({ token }) => (token ? { subject: token } : null),
    authorize: ({ topic, action }) => topic === 'room' || (topic === 'price' && action === 'subscribe'),
    tellPublisher: true,
    presence: ({ topic }) => topic === 'room',
  })
  const echo = new WebSocketServer({ noServer: true })
  const echoed: WebSocket[] = []
  http.on('upgrade', (request, socket, head) => {
    if (request.url === '/live') return
    echo.handleUpgrade(request, socket, head, (client) => {
      echoed.push(client)
      client.on('message', (data) => client.send(String(data)))
    })
  })
  const { open: openPath, errors } = await browserOf(http, live, echo)
  const open = (sample: number) => openPath(`/page/${sample}`)
  const ada = await open(0)
  await ada.locator('#members', { hasText: 'guest-1' }).waitFor()
  const bea = await open(0)
  await ada.locator('#members', { hasText: 'guest-2' }).waitFor()
  await live.publish('price', { eur: { usd: 1.1 } })
  await ada.getByText('1.1', { exact: true }).waitFor()
  await bea.getByLabel('Message').fill('hello')
  await ada.getByText('guest-2 is typing').waitFor()
  await bea.getByRole('button', { name: 'Send' }).click()
  await ada.locator('li', { hasText: 'hello' }).waitFor()
  await ada.getByRole('button', { name: 'Sign out' }).click()
  expect(await ada.locator('li').count()).toBe(0)
  expect(await ada.locator('[data-live-topic]').textContent()).toBe('')
  await ada.getByRole('button', { name: 'Sign in' }).click()
  await ada.locator('li', { hasText: 'hello' }).waitFor()
  await ada.locator('#members', { hasText: 'guest-3' }).waitFor()

  const modules = await open(2)
  await modules.getByText('live', { exact: true }).waitFor()
  await modules.locator('#members').filter({ hasText: /\d/ }).waitFor()

  const feed = await open(1)
  await feed.locator('#devtools').getByText('live', { exact: true }).first().waitFor()
  await feed.close()

  const page = await open(3)
  await page.getByText('open').waitFor()
  const first = echoed.at(-1)!
  await page.evaluate("ws.send('one')")
  await page.getByText('one').waitFor()
  first.send('{"type":"reconnect"}')
  await once(first, 'close')
  expect(echoed.at(-1)).not.toBe(first)
  await page.evaluate("ws.send('two')")
  await page.getByText('two').waitFor()
  expect(await page.locator('pre').textContent()).toBe('open\none\ntwo\n')
  expect(errors).toEqual([])
})
