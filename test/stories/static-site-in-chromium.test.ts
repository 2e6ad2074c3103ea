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

/** The built stories, by the files from which they come. */
async function storiesBuilt(): Promise<Map<string, string[]>> {
  const { entries } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as {
    entries: Record<string, { id: string; type: string; importPath: string }>
  }
  const stories = Object.values(entries).filter(({ type }) => type === 'story')
  return new Map(
    stories.map(({ importPath: file }) => [
      file,
      stories.filter(({ importPath }) => importPath === file).map(({ id }) => id),
    ]),
  )
}

describe('npm run build-storybook', () => {
  it('makes a site of every story', async () => {
    expect([...(await storiesBuilt()).keys()].sort()).toEqual(
      listFiles('stories', /\.stories\.tsx$/).map((path) => `./stories/${path}`),
    )
  })

  it('makes a site in which a story of each file plays to its end', { timeout: 120_000 }, async () => {
    const broken: string[] = []
    for (const [id] of (await storiesBuilt()).values()) {
      const page = await browser.newPage()
      page.on('pageerror', (error) => void broken.push(`${id}: ${error.message}`))
      await page.goto(site.story(id!))
      const failed = 'body.sb-show-errordisplay'
      await page.waitForSelector(`html[data-played], ${failed}`, { state: 'attached' })
      if (await page.$(failed)) broken.push(`${id}: ${await page.textContent('#error-message')}`)
      await page.close()
    }
    expect(broken).toEqual([])
  })

  it('makes a site that works in the browser alone: it loads nothing from other origins', async () => {
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
    // From here on it follows real time, for the reader.
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
