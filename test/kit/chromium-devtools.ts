import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchOptions } from './browser.js'
import { connectCalls, type SocketCalls } from './socket-calls.js'

/**
 * A Chromium in a temporary profile, driven only over the DevTools protocol: no domain is enabled unless the caller
 * enables it.
 */
export interface ChromiumDevtools extends Omit<SocketCalls, 'disconnect'> {
  /** The product and version, as in "Chrome/156.0.0.0". */
  readonly product: string
  /** Evaluates an expression in the page; for a promise, resolves with its value. Rejects if the expression throws. */
  evaluate<Value>(expression: string, sessionId: string): Promise<Value>
  close(): Promise<void>
}

/** `more`: additional command line options. */
export async function launchChromium(more: readonly string[] = []): Promise<ChromiumDevtools> {
  const profile = await mkdtemp(join(tmpdir(), 'livesocket-chromium-'))
  const chromium = spawn(
    launchOptions.executablePath!,
    [
      ...launchOptions.args!,
      ...more,
      '--headless=new',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const gone = new Promise<void>((resolve) => chromium.once('exit', () => resolve()))
  const { call, event, disconnect } = await connectCalls(await address(chromium.stderr), 'Chromium')
  const { product } = await call<{ product: string }>('Browser.getVersion')
  return {
    product,
    call,
    event,
    async evaluate<Value>(expression: string, sessionId: string) {
      const { result, exceptionDetails } = await call<{
        result: { value: Value }
        exceptionDetails?: { exception?: { description?: string } }
      }>('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId)
      if (exceptionDetails) throw new Error(`in the page: ${exceptionDetails.exception?.description ?? 'it threw'}`)
      return result.value
    },
    async close() {
      disconnect()
      chromium.kill()
      await gone
      // Child processes of the browser still write while they end.
      await rm(profile, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** The address at which Chromium listens, which it prints to stderr when it is ready. */
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
