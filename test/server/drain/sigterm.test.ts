import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { createLiveServer } from '../../../src/server/index.js'
import { rawClient } from '../../kit/raw-client.js'

/** A server process with one leg on it. */
async function processWithLeg() {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('draining-process.ts', import.meta.url))],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const leg = await rawClient(String(line).trim())
  await leg.hello()
  return { child, exit, leg }
}

test('SIGTERM: the legs hand over, and then the process ends with 0', async () => {
  const { child, exit, leg } = await processWithLeg()
  child.kill('SIGTERM')
  expect(await leg.next('handover')).toMatchObject({ reason: 'stopping' })
  await leg.settle()
  leg.close()
  expect(await exit).toEqual([0, null])
}, 20_000)

test('a second SIGTERM: the remaining legs are closed, and the process ends with 0', async () => {
  const { child, exit, leg } = await processWithLeg()
  child.kill('SIGTERM')
  await leg.next('handover')
  // Within half a second it would count as the same signal.
  const again = setInterval(() => child.kill('SIGTERM'), 100)
  onTestFinished(() => clearInterval(again))
  expect(await leg.next('error')).toMatchObject({ code: 'draining' })
  clearInterval(again)
  expect(await leg.closed).toMatchObject({ code: 1012 })
  expect(await exit).toEqual([0, null])
}, 20_000)

/** A process whose application has received a request and not answered it yet. */
async function processWithRequest() {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('draining-http-process.ts', import.meta.url))],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const { value: port } = (await lines.next()) as { value: string }
  const answer = fetch(`http://127.0.0.1:${port}/slow`).then((response) => response.text())
  answer.catch(() => undefined)
  await lines.next()
  return { child, exit, answer, port }
}

test('SIGTERM: a request that the application has under way is answered before the process ends', async () => {
  const { child, exit, answer, port } = await processWithRequest()
  child.kill('SIGTERM')
  // Once nobody is let in any more, it has drained, and waits only for that request.
  await expect
    .poll(
      () =>
        // A new connection: a kept one that is busy when the server stops listening is still served.
        fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then(
          ({ status }) => status,
          () => 'refused',
        ),
      { timeout: 10_000 },
    )
    .toBe('refused')
  child.stdin.write('now\n')
  expect(await answer).toBe('answered')
  expect(await exit).toEqual([0, null])
}, 20_000)

test('a second SIGTERM: the process ends without waiting for a request under way', async () => {
  const { child, exit, answer } = await processWithRequest()
  child.kill('SIGTERM')
  const again = setInterval(() => child.kill('SIGTERM'), 100)
  onTestFinished(() => clearInterval(again))
  expect(await exit).toEqual([0, null])
  await expect(answer).rejects.toThrow('fetch failed')
}, 20_000)

test('a closed server leaves no listener on the HTTP server that it was given', async () => {
  const http = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void http.close())
  await once(http, 'listening')
  const listeners = () => http.eventNames().reduce((sum, name) => sum + http.listenerCount(name), 0)
  const before = listeners()
  const server = createLiveServer({ server: http, path: '/live', authenticate: () => ({ subject: 'anybody' }) })
  server.drainOn('SIGUSR2')
  await server.close()
  expect(listeners()).toBe(before)
  expect(process.listenerCount('SIGUSR2')).toBe(0)
})
