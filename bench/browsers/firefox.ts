import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.js'
import { connectCalls } from '../../test/kit/socket-calls.js'
import type { DrivenBrowser, DrivenTab } from './driven-browser.js'

/** Downloads go into the profile without a question. Nothing about sockets or timers is changed. */
const preferences = (profile: string) => ({
  'browser.download.folderList': 2,
  'browser.download.dir': profile,
  'browser.download.useDownloadDir': true,
  'browser.download.always_ask_before_handling_new_types': false,
})

/** Firefox, over WebDriver BiDi, which Firefox itself speaks: no geckodriver is needed. */
export async function openFirefox(): Promise<DrivenBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'livesocket-firefox-'))
  const lines = Object.entries(preferences(profile)).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  )
  await writeFile(join(profile, 'user.js'), lines.join(''))
  const firefox = spawn(
    process.env['FIREFOX_PATH'] ?? 'firefox-esr',
    ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const gone = new Promise<void>((resolve) => firefox.once('exit', () => resolve()).once('error', () => resolve()))
  const kill = () => void firefox.kill('SIGKILL')
  process.once('exit', kill)
  const { call, disconnect } = await connectCalls(`${await address(firefox.stderr)}/session`, 'Firefox')
  const { capabilities } = await call<{ capabilities: { browserName: string; browserVersion: string } }>(
    'session.new',
    { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } },
  )

  async function openTab(): Promise<DrivenTab> {
    const { context } = await call<{ context: string }>('browsingContext.create', { type: 'tab' })
    /** The tab that covers this one while it is hidden. */
    let cover: string | undefined
    const step = async (delta: number) => void (await call('browsingContext.traverseHistory', { context, delta }))
    return {
      open: async (url) => void (await call('browsingContext.navigate', { context, url, wait: 'complete' })),
      async run<Value>(expression: string) {
        // The value travels as JSON, because BiDi would describe the type of every value.
        const answer = await call<{ type: string; result: { value?: string }; exceptionDetails?: { text: string } }>(
          'script.evaluate',
          {
            expression: `(async () => JSON.stringify(await (${expression})))()`,
            target: { context },
            awaitPromise: true,
          },
        )
        if (answer.exceptionDetails) throw new Error(`in the page: ${answer.exceptionDetails.text}`)
        return (answer.result.value === undefined ? undefined : JSON.parse(answer.result.value)) as Value
      },
      back: () => step(-1),
      forward: () => step(1),
      async hide() {
        cover = (await call<{ context: string }>('browsingContext.create', { type: 'tab' })).context
      },
      async show() {
        await call('browsingContext.activate', { context })
        if (cover) await call('browsingContext.close', { context: cover })
        cover = undefined
      },
      offline: async (off) =>
        void (await call('emulation.setNetworkConditions', {
          contexts: [context],
          networkConditions: off ? { type: 'offline' } : null,
        })),
      close: async () => void (await call('browsingContext.close', { context })),
    }
  }

  return {
    name: 'firefox',
    product: `${capabilities.browserName[0]!.toUpperCase()}${capabilities.browserName.slice(1)} ${capabilities.browserVersion}`,
    openTab,
    async close() {
      // Firefox answers while it shuts down, or not at all.
      call('browser.close').catch(() => undefined)
      const cancel = systemClock.setTimeout(kill, 10_000)
      await gone
      cancel()
      process.off('exit', kill)
      disconnect()
      await rm(profile, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** The address at which Firefox listens, which it prints to stderr when it is ready. */
function address(stderr: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    stderr.on('data', (chunk: Buffer) => {
      said += String(chunk)
      const found = /WebDriver BiDi listening on (\S+)/.exec(said)
      if (found) resolve(found[1]!)
    })
    stderr.once('end', () => reject(new Error(`Firefox ended before it listened: ${said}`)))
  })
}
