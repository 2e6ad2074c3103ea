import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
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

test('a second SIGTERM: what is still there is closed, and the process ends with 0', async () => {
  const { child, exit, leg } = await processWithLeg()
  child.kill('SIGTERM')
  await leg.next('handover')
  // Within half a second it would be the same signal.
  const again = setInterval(() => child.kill('SIGTERM'), 100)
  onTestFinished(() => clearInterval(again))
  expect(await leg.next('error')).toMatchObject({ code: 'draining' })
  clearInterval(again)
  expect(await leg.closed).toMatchObject({ code: 1012 })
  expect(await exit).toEqual([0, null])
}, 20_000)
