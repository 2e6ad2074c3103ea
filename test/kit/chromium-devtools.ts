import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { launchOptions } from './browser.js'

/** A Chromium of one's own, in a profile that goes with it, spoken to over the DevTools protocol alone: nothing is turned on that was not asked for. */
export interface ChromiumDevtools {
  /** As in "Chrome/156.0.0.0". */
  readonly product: string
  call<Result>(method: string, params?: object, sessionId?: string): Promise<Result>
  /** The next event of that name. */
  event<Params>(method: string): Promise<Params>
  /** What an expression in the page comes to; of a promise, what it fulfils with. Rejects where it throws. */
  evaluate<Value>(expression: string, sessionId: string): Promise<Value>
  close(): Promise<void>
}

export async function launchChromium(): Promise<ChromiumDevtools> {
  const profile = await mkdtemp(join(tmpdir(), 'livesocket-chromium-'))
  const chromium = spawn(
    launchOptions.executablePath!,
    [...launchOptions.args!, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const gone = new Promise<void>((resolve) => chromium.once('exit', () => resolve()))
  const { call, event, disconnect } = await connect(await address(chromium.stderr))
  const { product } = await call<{ product: string }>('Browser.getVersion')
  return {
    product,
    call,
    event,
    async evaluate<Value>(expression: string, sessionId: string) {
      const { result, exceptionDetails } = await call<{ result: { value: Value }; exceptionDetails?: { exception?: { description?: string } } }>(
        'Runtime.evaluate',
        { expression, awaitPromise: true, returnByValue: true },
        sessionId,
      )
      if (exceptionDetails) throw new Error(`in the page: ${exceptionDetails.exception?.description ?? 'it threw'}`)
      return result.value
    },
    async close() {
      disconnect()
      chromium.kill()
      await gone
      // Its children write on while they end.
      await rm(profile, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** Where it listens, as it says on stderr when it is ready. */
function address(stderr: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    stderr.on('data', (chunk: Buffer) => {
      said += String(chunk)
      const found = /DevTools listening on (\S+)/.exec(said)
      if (found) resolve(found[1]!)
    })
    stderr.once('end', () => reject(new Error(`Chromium ended before it listened: ${said}`)))
  })
}

async function connect(url: string) {
  const ws = new WebSocket(url)
  await new Promise<void>((resolve, reject) => ws.once('open', resolve).once('error', reject))
  const calls = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  const events = new Map<string, (params: never) => void>()
  let count = 0
  ws.on('message', (data) => {
    const { id, result, error, method, params } = JSON.parse(String(data)) as { id?: number; result?: never; error?: { message: string }; method?: string; params?: never }
    if (id === undefined) return events.get(method!)?.(params!)
    if (error) calls.get(id)?.reject(new Error(`DevTools: ${error.message}`))
    else calls.get(id)?.resolve(result!)
    calls.delete(id)
  })
  ws.on('close', () => {
    for (const { reject } of calls.values()) reject(new Error('Chromium is gone'))
  })
  return {
    call: <Result>(method: string, params: object = {}, sessionId?: string) =>
      new Promise<Result>((resolve, reject) => {
        calls.set(++count, { resolve, reject })
        ws.send(JSON.stringify({ id: count, method, params, ...(sessionId ? { sessionId } : {}) }))
      }),
    event: <Params>(method: string) => new Promise<Params>((resolve) => void events.set(method, resolve)),
    disconnect: () => ws.close(),
  }
}
