import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveStories } from '../../stories/kit/static-site.js'
import { launchBrowser } from '../kit/browser.js'
import { listFiles, ROOT } from '../kit/source-files.js'

let folder: string
let site: Awaited<ReturnType<typeof serveStories>>
let browser: Browser

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'livesocket-stories-'))
  await promisify(execFile)('npm', ['run', 'build-storybook', '--', '-o', folder], {
    cwd: ROOT,
    shell: process.platform === 'win32',
  })
  ;[site, browser] = await Promise.all([serveStories(folder), launchBrowser()])
}, 180_000)

afterAll(async () => {
  await browser?.close()
  await site?.close()
  await rm(folder, { recursive: true, force: true })
})

describe('npm run build-storybook', () => {
  it('makes a site of every story', async () => {
    const { entries } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as {
      entries: Record<string, { type: string; importPath: string }>
    }
    const built = new Set(
      Object.values(entries).flatMap(({ type, importPath }) => (type === 'story' ? [importPath] : [])),
    )
    expect([...built].sort()).toEqual(listFiles('stories', /\.stories\.tsx$/).map((path) => `./stories/${path}`))
  })

  it('makes one that plays in the browser alone: it asks nobody but the site itself for anything', async () => {
    const page = await browser.newPage({ colorScheme: 'dark' })
    const faults: string[] = []
    const asked = new Set<string>()
    page.on('pageerror', (error) => void faults.push(error.message))
    page.on('request', (request) => void asked.add(new URL(request.url()).origin))
    page.on('websocket', (socket) => void asked.add(socket.url()))
    const address = site.story('livesocket-a-rolling-deploy--beside-a-naive-client')
    await page.goto(address)
    await page.waitForSelector('html[data-played]')
    const lost = (side: string) => page.textContent(`[data-client=${side}] [data-count=Lost]`)
    expect(await lost('ours')).toBe('0')
    expect(Number(await lost('theirs'))).toBeGreaterThan(10)
    // From here on it follows real time, for whoever looks at it.
    const sent = () => page.textContent('[data-client=ours] [data-count=Sent]')
    const before = await sent()
    await page.waitForFunction(
      (text) => document.querySelector('[data-client=ours] [data-count=Sent]')?.textContent !== text,
      before,
    )
    expect([...asked]).toEqual([new URL(address).origin])
    expect(faults).toEqual([])
    await page.close()
  })
})
