import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '../../test/kit/wait.js'
import { freePort } from '../../test/kit/free-port.js'
import type { DrivenBrowser, DrivenTab } from './driven-browser.js'

/** Debian's paths: WebKitWebDriver would look elsewhere. */
const MINI_BROWSERS = [
  '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser',
  '/usr/lib/aarch64-linux-gnu/webkit2gtk-4.1/MiniBrowser',
]

/** How often the driver asks whether a promise in the page is settled, ms. */
const ASK = 50

/** WebKitGTK's MiniBrowser, over the classic WebDriver protocol, on a virtual display. */
export async function openWebKit(): Promise<DrivenBrowser> {
  const binary = MINI_BROWSERS.find(existsSync)
  if (!binary)
    throw new Error(`No MiniBrowser of WebKitGTK: on Debian or Ubuntu run \`apt-get install webkit2gtk-driver xvfb\`.`)
  const home = await mkdtemp(join(tmpdir(), 'livesocket-webkit-'))
  const screen = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const display = await firstLine(screen)
  const port = await freePort()
  const driver = spawn('WebKitWebDriver', [`--port=${port}`], {
    stdio: 'ignore',
    env: {
      ...process.env,
      DISPLAY: `:${display}`,
      HOME: home,
      XDG_DATA_HOME: home,
      XDG_CACHE_HOME: home,
      XDG_CONFIG_HOME: home,
    },
  })
  const kill = () => {
    for (const program of [driver, screen]) program.kill('SIGKILL')
  }
  process.once('exit', kill)
  const send = sender(`http://127.0.0.1:${port}`)
  for (
    let left = 200;
    left > 0 &&
    !(await send('GET', '/status').then(
      () => true,
      () => false,
    ));
    left--
  )
    await sleep(ASK)
  const { sessionId, capabilities } = await send<{ sessionId: string; capabilities: { browserVersion: string } }>(
    'POST',
    '/session',
    {
      capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': { binary, args: ['--automation'] } } },
    },
  )
  const session = <Value>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) =>
    send<Value>(method, `/session/${sessionId}${path}`, body)

  // A command goes to the current tab. Commands for one tab must not be interrupted by commands for another, so they
  // queue.
  let queue: Promise<unknown> = Promise.resolve()
  const first = await session<string>('GET', '/window')
  let current: string | undefined
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const turn = queue.then(work)
    queue = turn.catch(() => undefined)
    return turn
  }
  let scripts = 0

  async function openTab(): Promise<DrivenTab> {
    // A new window: WebDriver has no command that brings a tab to the front. The command is sent through an existing
    // window.
    const { handle } = await inTurn(async () => {
      await session('POST', '/window', { handle: first })
      current = first
      return session<{ handle: string }>('POST', '/window/new', { type: 'window' })
    })
    const command = <Value>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) =>
      inTurn(async () => {
        if (current !== handle) await session('POST', '/window', { handle })
        current = handle
        return session<Value>(method, path, body)
      })
    const execute = <Value>(script: string) => command<Value>('POST', '/execute/sync', { script, args: [] })
    return {
      open: (url) => command('POST', '/url', { url }),
      async run<Value>(expression: string) {
        // The script is started and then polled: a script that waits would block the commands of other tabs.
        const name = `script ${++scripts}`
        await execute(`window[${JSON.stringify(name)}] = null
          ;(async () => ${expression})().then((value) => { window[${JSON.stringify(name)}] = { value } }, (error) => { window[${JSON.stringify(name)}] = { error: String(error) } })`)
        for (;;) {
          const answer = await execute<{ value?: Value; error?: string } | null>(
            `const name = ${JSON.stringify(name)}; return name in window ? window[name] : { error: 'the page was left' }`,
          )
          if (answer?.error !== undefined) throw new Error(`in the page: ${answer.error}`)
          if (answer) return answer.value as Value
          await sleep(ASK)
        }
      },
      back: () => command('POST', '/back', {}),
      forward: () => command('POST', '/forward', {}),
      hide: async () => void (await command('POST', '/window/minimize', {})),
      show: async () => void (await command('POST', '/window/rect', { width: 1024, height: 768 })),
      async close() {
        await command('DELETE', '/window')
        current = undefined
      },
    }
  }

  return {
    name: 'webkit',
    product: `WebKitGTK ${capabilities.browserVersion}`,
    openTab,
    async close() {
      await session('DELETE', '').catch(() => undefined)
      for (const program of [driver, screen]) await end(program)
      process.off('exit', kill)
      await rm(home, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

function sender(origin: string) {
  return async <Value>(method: string, path: string, body?: object): Promise<Value> => {
    const response = await fetch(origin + path, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
    const { value } = (await response.json()) as { value: Value & { error?: string; message?: string } }
    if (!response.ok) throw new Error(`WebKitWebDriver: ${value.error}: ${value.message}`)
    return value
  }
}

function firstLine(program: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    program.once('error', reject)
    program.once('exit', () => reject(new Error('Xvfb ended before it had a display')))
    program.stdout!.once('data', (chunk: Buffer) => resolve(String(chunk).trim()))
  })
}

async function end(program: ChildProcess) {
  if (program.exitCode !== null || program.signalCode !== null) return
  const gone = new Promise((resolve) => program.once('exit', resolve))
  program.kill()
  await gone
}
