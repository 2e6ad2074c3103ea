import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBalancer, type Balancer } from '../kit/balancer.js'
import { launchBrowser } from '../kit/browser.js'
import { startRedisServer, type RedisServer } from '../kit/redis-server.js'
import { listFiles, ROOT } from '../kit/source-files.js'

const FOLDER = join(ROOT, 'examples/chat')

let browser: Browser
let redis: RedisServer
let balancer: Balancer
let url: string
const servers: { readonly id: string; readonly child: ChildProcess }[] = []

/** The example's own server, as a process. */
async function startServer(id: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', join(FOLDER, 'server/main.ts')], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', REDIS_URL: redis.url, SECRET: 'one of all servers' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  servers.push({ id, child })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  await balancer.add({ id, port: Number(new URL(line.replace('listening on ', '')).port) })
}

/** Starts a new server while the old one runs, and then stops the old one. */
async function deploy() {
  const old = servers.at(-1)!
  await startServer(`server-${servers.length + 1}`)
  balancer.retire(old.id)
  const exit = once(old.child, 'exit')
  old.child.kill('SIGTERM')
  return (await exit) as [number | null, string | null]
}

/** A separate browser in which a user has logged in. It records what the page shows. */
async function enter(name: string, room: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  page.on('pageerror', (error) => expect.fail(`${name}: ${error.message}`))
  await page.goto(`${url}?room=${room}`)
  await page.getByPlaceholder('Your name').fill(name)
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-status=live]')
  return page
}

const members = async (page: Page) => (await page.locator('.members li').allTextContents()).sort()
const said = async (page: Page) => (await page.locator('.messages li').allTextContents()).map((text) => text.trim())

/**
 * Records from here on the fewest members, every status, and every state of the user's own messages that the page
 * shows.
 */
const watch = (page: Page) =>
  page.evaluate(() => {
    const seen = { fewest: Infinity, statuses: new Set<string>(), own: new Set<string>() }
    const look = () => {
      seen.fewest = Math.min(seen.fewest, document.querySelectorAll('.members li').length)
      seen.statuses.add(document.querySelector('[data-status]')!.textContent!)
      for (const line of document.querySelectorAll<HTMLElement>('[data-own]')) seen.own.add(line.dataset['own']!)
    }
    look()
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    })
    Object.assign(window, { seen })
  })
const seen = (page: Page) =>
  page.evaluate(() => {
    const { fewest, statuses, own } = (
      window as never as { seen: { fewest: number; statuses: Set<string>; own: Set<string> } }
    ).seen
    return { fewest, statuses: [...statuses], own: [...own] }
  })

/**
 * Says `name 1`, `name 2`, …, twenty a second, until the returned function is called. That function returns how many
 * there were.
 */
async function talk(page: Page, name: string) {
  await page.evaluate((words) => {
    let count = 0
    const timer = setInterval(() => {
      const input = document.querySelector<HTMLInputElement>('form input')!
      input.value = `${words} ${++count}`
      input.form!.requestSubmit()
    }, 50)
    Object.assign(window, { stop: () => (clearInterval(timer), count) })
  }, name)
  return () => page.evaluate(() => (window as never as { stop(): number }).stop())
}

beforeAll(async () => {
  balancer = createBalancer()
  const alias = ['', '/react', '/history'].map((name) => ({
    find: new RegExp(`^livesocket${name}$`),
    replacement: join(ROOT, 'src', name, 'index.ts'),
  }))
  ;[redis, browser] = await Promise.all([
    startRedisServer(),
    launchBrowser(),
    balancer.ready,
    build({ root: FOLDER, configFile: join(FOLDER, 'vite.config.ts'), resolve: { alias }, logLevel: 'error' }),
  ])
  url = `http://localhost:${balancer.port}/`
  await startServer('server-1')
}, 60_000)

afterAll(async () => {
  await browser?.close()
  for (const { child } of servers) child.kill('SIGKILL')
  await balancer?.close()
  await redis?.close()
  await rm(join(FOLDER, 'dist'), { recursive: true, force: true })
})

it('has at most 400 lines in all', () => {
  const files = listFiles('examples/chat', /\.\w+$/).filter((path) => !/^(dist|node_modules)\//.test(path))
  const lines = files.map((path) => readFileSync(join(FOLDER, path), 'utf8').split('\n').length - 1)
  expect(lines.length).toBeGreaterThan(8)
  expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(400)
})

describe('the example chat', { timeout: 60_000 }, () => {
  it('shows who is present, who is typing, the messages and refusals, and answers a question', async () => {
    const [ada, bob] = await Promise.all([enter('Ada', 'kitchen'), enter('Bob', 'kitchen')])
    for (const page of [ada, bob]) await expect.poll(() => members(page)).toEqual(['Ada', 'Bob'])
    await watch(ada)
    await ada.getByPlaceholder('Say something').pressSequentially('hel')
    await bob.getByText('Ada is typing …').waitFor()
    await ada.getByPlaceholder('Say something').fill('hello')
    await ada.keyboard.press('Enter')
    await expect.poll(() => said(bob)).toEqual(['Ada hello'])
    await bob.getByText('Ada is typing …').waitFor({ state: 'hidden' })
    await expect.poll(() => said(ada)).toEqual(['Ada hello'])
    await expect.poll(() => ada.locator('[data-own]').count()).toBe(0)
    expect((await seen(ada)).own).toEqual(['pending'])

    await ada.getByPlaceholder('Say something').fill('/quit')
    await ada.keyboard.press('Enter')
    await ada.getByRole('button', { name: 'no-command: dismiss' }).click()
    await expect.poll(() => said(ada)).toEqual(['Ada hello'])

    await bob.getByRole('button', { name: 'About' }).click()
    await bob.getByText('1 messages, 2 members').waitFor()
    await Promise.all([ada, bob].map((page) => page.context().close()))
  })

  it('says that a login has expired, and lets the user sign in again', async () => {
    const page = await enter('Zoe', 'logins')
    await page.context().clearCookies()
    await page.reload()
    await page.getByText('Your login has expired: enter again').click()
    await page.getByPlaceholder('Your name').waitFor()
    await page.context().close()
  })

  it('continues through a deploy: nothing is lost, repeated or reordered, nobody flickers, and everybody stays live', async () => {
    const [ada, bob] = await Promise.all([enter('Ada', 'garden'), enter('Bob', 'garden')])
    for (const page of [ada, bob]) await expect.poll(() => members(page)).toEqual(['Ada', 'Bob'])
    for (const page of [ada, bob]) await watch(page)
    const stops = await Promise.all([talk(ada, 'a'), talk(bob, 'b')])
    expect(await deploy()).toEqual([0, null])
    await ada.waitForTimeout(500)
    const counts = await Promise.all(stops.map((stop) => stop()))
    expect(Math.min(...counts)).toBeGreaterThan(10)
    const all = (name: string, words: string, count: number) =>
      Array.from({ length: count }, (_, at) => `${name} ${words} ${at + 1}`)
    for (const page of [ada, bob]) {
      await expect.poll(() => page.locator('[data-own]').count()).toBe(0)
      // The last message of the other page may still be on its way.
      await expect.poll(() => said(page).then(({ length }) => length)).toBeGreaterThanOrEqual(counts[0]! + counts[1]!)
      const lines = await said(page)
      expect(lines.filter((line) => line.startsWith('Ada a '))).toEqual(all('Ada', 'a', counts[0]!))
      expect(lines.filter((line) => line.startsWith('Bob b '))).toEqual(all('Bob', 'b', counts[1]!))
      expect(await seen(page)).toEqual({ fewest: 2, statuses: ['live'], own: ['pending'] })
    }
    expect(await said(bob)).toEqual(await said(ada))

    const before = await said(ada)
    await ada.reload()
    await expect.poll(() => said(ada)).toEqual(before.slice(-30))
    await ada.getByRole('button', { name: 'Older' }).click()
    await expect.poll(() => said(ada)).toEqual(before.slice(-60))
  })
})
