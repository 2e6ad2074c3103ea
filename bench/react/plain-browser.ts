import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import { browserArgs, workingBrowser } from '../../test/kit/browser.js'

/**
 * Chromium as a user has it: nobody listens to its network. Playwright does, in every page it opens, and the browser then
 * tells it of each WebSocket frame – which costs the page more than the frame itself, and the more the longer it is.
 */
export interface PlainBrowser {
  /** As in "Chrome/156.0.0.0". */
  readonly product: string
  /** A page in a profile of its own. */
  open(url: string): Promise<Tab>
  close(): Promise<void>
}

export interface Tab {
  /** The value of an expression in the page; of a promise, what it fulfils with. */
  evaluate<Value>(expression: string): Promise<Value>
  /** How long the page's thread was busy since it began, ms. */
  busy(): Promise<number>
  close(): Promise<void>
}

export async function launchPlainBrowser(): Promise<PlainBrowser> {
  const profile = mkdtempSync(join(tmpdir(), 'livesocket-profile-'))
  const child = spawn(workingBrowser(), [...browserArgs, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
  const address = await new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`Chromium ended with ${code} before it could be spoken to`)))
    createInterface(child.stderr).on('line', (line) => {
      const found = /^DevTools listening on (ws:\S+)/.exec(line)
      if (found) resolve(found[1]!)
    })
  })
  const { send, close } = await connect(address)
  const { product } = await send<{ product: string }>('Browser.getVersion')

  return {
    product,
    async open(url) {
      const { browserContextId } = await send<{ browserContextId: string }>('Target.createBrowserContext')
      const { targetId } = await send<{ targetId: string }>('Target.createTarget', { url, browserContextId })
      const { sessionId } = await send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true })
      await send('Performance.enable', {}, sessionId)
      return {
        async evaluate<Value>(expression: string) {
          const answer = await send<{ result: { value: Value }; exceptionDetails?: { text: string; exception?: { description?: string } } }>(
            'Runtime.evaluate',
            { expression, awaitPromise: true, returnByValue: true },
            sessionId,
          )
          const { exceptionDetails: fault } = answer
          if (fault) throw new Error(`in the page: ${fault.exception?.description ?? fault.text}`)
          return answer.result.value
        },
        async busy() {
          const { metrics } = await send<{ metrics: { name: string; value: number }[] }>('Performance.getMetrics', {}, sessionId)
          return metrics.find(({ name }) => name === 'TaskDuration')!.value * 1_000
        },
        close: () => send<void>('Target.disposeBrowserContext', { browserContextId }),
      }
    },
    async close() {
      const closed = send('Browser.close').catch(() => {})
      await Promise.all([closed, exited])
      close()
      // Its children write on while they end.
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

interface Answer {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { message: string }
}

/** The few words of the DevTools protocol that a benchmark needs. */
async function connect(address: string) {
  const socket = new WebSocket(address)
  await new Promise<void>((resolve, reject) => void socket.once('open', resolve).once('error', reject))
  const asked = new Map<number, { resolve(result: never): void; reject(error: Error): void }>()
  let last = 0
  socket.on('message', (text) => {
    const { id, result, error } = JSON.parse(String(text)) as Answer
    const question = asked.get(id ?? 0)
    asked.delete(id ?? 0)
    if (error) question?.reject(new Error(error.message))
    else question?.resolve(result as never)
  })
  socket.on('close', () => {
    for (const { reject } of asked.values()) reject(new Error('Chromium is gone'))
  })
  return {
    send: <Result>(method: string, params: object = {}, sessionId?: string) =>
      new Promise<Result>((resolve, reject) => {
        asked.set(++last, { resolve, reject })
        socket.send(JSON.stringify({ id: last, method, params, sessionId }))
      }),
    close: () => socket.terminate(),
  }
}
