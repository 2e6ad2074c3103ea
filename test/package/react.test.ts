import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import type { Browser } from 'playwright-core'
import type { Simulation } from 'livesocket/testing'
import { build, createServer, preview, type InlineConfig } from 'vite'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { launchBrowser } from '../kit/browser.js'
import { COMPILED_APPLICATION, compilerOf } from './compiled-application.js'

const packed = inject('packed')

declare global {
  interface Window {
    world: Simulation
    told: number[]
    stopTicks(): void
    show(how: string): void
    late?: { readonly told: number[]; readonly first: number; readonly effect: number }
  }
}

/** An application as a Vite template lays it out, with a simulated world for its server. */
const APPLICATION: Record<string, string> = {
  'index.html':
    '<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/main.jsx"></script>',
  'world.js': `
    import { createSimulation } from 'livesocket/testing'
    export const world = createSimulation()
    world.play()
    window.stopTicks = world.publishEvery(10, 'ticks')
    world.publishEvery(10, 'late', () => world.published.length)
    window.world = world
    window.told = []
  `,
  'App.jsx': `
    import * as React from 'react'
    import { startTransition, Suspense, useEffect, useState, version } from 'react'
    import { LiveSocketProvider, useLiveLog, useLiveMessages, useLiveSocket, useLiveStatus } from 'livesocket/react'
    import { world } from './world.js'
    function Inside() {
      const status = useLiveStatus()
      const rows = useLiveLog('ticks', { limit: 3 })
      useLiveMessages('ticks', (tick) => window.told.push(tick))
      return <p>first {version.split('.')[0]} {status} {rows.length}</p>
    }
    const told = []
    function Late() {
      const [first] = useState(() => world.published.length)
      useLiveMessages('late', (count) => told.push(count))
      useEffect(() => { window.late = { told, first, effect: world.published.length } }, [])
      return [...Array.from({ length: 200 }, (_, key) => <Slow key={key} />), <Rendered key="rendered" />]
    }
    function Slow() {
      for (const end = performance.now() + 2; performance.now() < end; );
      return null
    }
    function Rendered() {
      setTimeout(() => window.rendered())
      return null
    }
    let waited = null
    function Waiting() {
      waited ??= new Promise((resolve) => setTimeout(resolve, 300)).then(() => (waited.over = true))
      if (!waited.over) throw waited
      return null
    }
    const { Activity } = React
    function Page() {
      const [how, setHow] = useState('')
      const [hidden, setHidden] = useState(true)
      window.show = (how) => {
        if (how === 'transition') return startTransition(() => setHow(how))
        setHow(how)
      }
      // What is hidden is rendered when there is time for it.
      window.rendered = () => setTimeout(() => setHidden(false), 300)
      if (how === 'transition') return <Late />
      if (how === 'Suspense') return <Suspense fallback={null}><Late /><Waiting /></Suspense>
      return how && <Activity mode={hidden ? 'hidden' : 'visible'}><Late /></Activity>
    }
    export function App() {
      const socket = useLiveSocket({ url: world.url, environment: world.environment, getToken: (ask) => world.getToken(ask) })
      return <LiveSocketProvider socket={socket}><Inside /><Page /></LiveSocketProvider>
    }
  `,
  'main.jsx': `
    import { StrictMode } from 'react'
    import { createRoot } from 'react-dom/client'
    import { App } from './App.jsx'
    createRoot(document.getElementById('root')).render(<StrictMode><App /></StrictMode>)
  `,
}

let browser: Browser
const folders: string[] = []
beforeAll(async () => void (browser = await launchBrowser()))
afterAll(async () => {
  await browser?.close()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function createApplication(version: string): string {
  const folder = mkdtempSync(join(tmpdir(), `livesocket-react-${version}-`))
  folders.push(folder)
  for (const [name, text] of Object.entries({ ...APPLICATION, ...COMPILED_APPLICATION }))
    writeFileSync(join(folder, name), text)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'application', private: true, type: 'module' }))
  // React 19 brings its own.
  const runtime = version.startsWith('18') ? ['react-compiler-runtime@1.0.0'] : []
  const packages = [packed.tarball, `react@${version}`, `react-dom@${version}`, ...runtime]
  const { status, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error(stderr)
  return folder
}

/** Opens it in a browser; what the page complains of is a fault. */
async function open(url: string) {
  const page = await browser.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => void faults.push(String(error)))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text())
  })
  await page.goto(url)
  const shows = (text: string) =>
    page
      .waitForFunction((wanted) => document.body.textContent?.includes(wanted), text, { timeout: 15_000 })
      .catch(async () => expect({ shown: await page.textContent('body'), faults }).toMatchObject({ shown: text }))
  return {
    page,
    faults,
    shows,
    /** What arrived so far is without a hole, on one connection. */
    async check() {
      const { told, dials } = await page.evaluate(() => ({ told: window.told, dials: window.world.dials.length }))
      expect(told.length).toBeGreaterThan(10)
      expect(told).toEqual(told.map((_, index) => told[0]! + index))
      expect(dials).toBe(1)
      expect(faults).toEqual([])
    },
  }
}

describe.each(['18.3.1', '19.3.1'])('a Vite application with React %s', (version) => {
  let folder: string
  let config: InlineConfig
  beforeAll(() => {
    folder = createApplication(version)
    config = { root: folder, configFile: false, logLevel: 'silent', plugins: [react()] }
  })

  it('has one socket in development, with StrictMode, and keeps it and every message through a hot update', async () => {
    const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1' } })
    await server.listen()
    const { page, shows, check } = await open(server.resolvedUrls!.local[0]!)
    const major = version.split('.')[0]
    await shows(`first ${major} live 3`)
    await page.waitForFunction(() => window.told.length > 20)

    const path = join(folder, 'App.jsx')
    writeFileSync(path, readFileSync(path, 'utf8').replace('<p>first', '<p>second'))
    await shows(`second ${major} live 3`)
    const before = await page.evaluate(() => window.told.length)
    await page.waitForFunction((count) => window.told.length > count + 20, before)
    await check()
    await page.close()
    await server.close()
    writeFileSync(path, APPLICATION['App.jsx']!)
  })

  // What React 18 has not: Activity.
  it.each([
    ['in a slow transition', 'transition'],
    ['behind a pending Suspense', 'Suspense'],
    ...(version.startsWith('18') ? [] : [['inside a hidden Activity', 'Activity']]),
  ])('begins a topic at the first render that is shown, %s', async (_, how) => {
    await build(config)
    const server = await preview({ ...config, preview: { port: 0, host: '127.0.0.1' } })
    const { page, shows, check } = await open(server.resolvedUrls!.local[0]!)
    await shows('live 3')
    // What changes in every frame would have React begin the transition again and again.
    await page.waitForFunction(() => window.told.length > 20)
    await page.evaluate((kind) => {
      window.stopTicks()
      setTimeout(() => window.show(kind), 100)
    }, how)
    await page.waitForFunction(() => window.late && window.late.told.at(-1)! > window.late.effect + 20)
    const { told, first, effect } = await page.evaluate(() => window.late!)
    // One each 10 ms, and the question is 10 ms on its way. React 18 renders without a pause what a Suspense had held up.
    expect(effect - first).toBeGreaterThan(how === 'Suspense' ? -1 : 10)
    expect(told[0]! - first).toBeLessThan(5)
    expect(told).toEqual(told.map((_, index) => told[0]! + index))
    await check()
    await page.close()
    await server.close()
  })

  it('works when it is built for production', async () => {
    await build(config)
    const server = await preview({ ...config, preview: { port: 0, host: '127.0.0.1' } })
    const { page, shows, check } = await open(server.resolvedUrls!.local[0]!)
    await shows(`first ${version.split('.')[0]} live 3`)
    await page.waitForFunction(() => window.told.length > 20)
    await check()
    await page.close()
    await server.close()
  })

  it('misses and repeats nothing and leaves nothing behind when compiled by the React Compiler, across a deploy', async () => {
    const compiler = compilerOf(version)
    const server = await createServer({
      ...config,
      plugins: [compiler, react()],
      server: { port: 0, host: '127.0.0.1' },
    })
    await server.listen()
    const { page, faults } = await open(`${server.resolvedUrls!.local[0]!}compiled.html`)
    const count = (wanted: number) => page.waitForFunction((least) => window.told.length >= least, wanted)
    await count(20)
    // Each of them is used again where what it is made of has not changed.
    expect([...compiler.compiled].sort()).toEqual(['App', 'Connected', 'Room', 'Status', 'Ticks', 'Told'])
    const runtime = version.startsWith('18') ? 'react-compiler-runtime' : 'react/compiler-runtime'
    expect(compiler.texts.join()).toContain(`import { c as _c } from "${runtime}"`)

    // One publish in each 10 ms, before, while and after the servers are replaced.
    await page.evaluate(async () => {
      const send = document.querySelector<HTMLElement>('#send')!
      for (let each = 0; each < 50; each++) {
        if (each === 10) window.world.deploy()
        send.click()
        await new Promise((done) => setTimeout(done, 10))
      }
    })
    const upTo = Array.from({ length: 50 }, (_, index) => String(index))
    await page.waitForFunction(
      () =>
        window.world.servers[0]!.state === 'down' &&
        window.shown('unconfirmed')[0] === '0' &&
        window.shown('members')[0]?.endsWith(':50') &&
        window.shown('room').length >= 50,
    )
    const end = await page.evaluate(() => {
      window.stopTicks()
      return window.world.published.filter(({ topic }) => topic === 'ticks').length
    })
    await page.waitForFunction(
      (last) => window.told.at(-1) === last && window.shown('ticks').at(-1) === String(last),
      end,
    )
    const seen = await page.evaluate(() => ({
      told: window.told,
      ticks: window.shown('ticks').map(Number),
      room: window.shown('room'),
      members: window.shown('members'),
      status: window.shown('status'),
      dials: window.world.dials.length,
    }))
    const { told, ticks } = seen
    expect(told).toEqual(told.map((_, index) => told[0]! + index))
    expect(ticks).toEqual(ticks.map((_, index) => ticks[0]! + index))
    expect(seen).toMatchObject({ room: upTo, members: ['user-1:50'], status: ['live'], dials: 2 })

    // A component that has come and gone five times is told once of what comes then.
    const after = await page.evaluate(async () => {
      const toggle = document.querySelector<HTMLElement>('#told')!
      for (let each = 0; each < 10; each++) {
        toggle.click()
        await new Promise((done) => setTimeout(done, 5))
      }
      window.told.length = 0
      window.world.publish('ticks', 'last')
      await window.world.advance(1000)
      const last = [...window.told]
      document.querySelector<HTMLElement>('#leave')!.click()
      return last
    })
    expect(after).toEqual(['last'])
    await page.waitForFunction(() => window.world.servers.every(({ legs }) => legs === 0))
    await page.waitForFunction(() => window.world.clock.pending === 0)
    expect(faults).toEqual([])
    await page.close()
    await server.close()
  })
})
