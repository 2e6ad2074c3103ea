import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createLiveServer } from '../../src/server/index.js'
import { launchBrowser } from '../kit/browser.js'
import { ROOT } from '../kit/source-files.js'

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
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const browser = await launchBrowser()
  onTestFinished(async () => {
    await browser.close()
    await live.close()
    http.close()
  })
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`)
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
