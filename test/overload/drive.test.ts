import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { Outcome } from '../../bench/overload/run-scenario.js'
import { ROOT } from '../kit/source-files.js'

const run = promisify(execFile)
const overload = (...args: string[]) =>
  run('node', ['--import', 'tsx', 'bench/overload/main.ts', ...args], { cwd: ROOT })

async function drive(scenario: string) {
  const { stdout } = await overload('--small', '--json', '--only', 'livesocket', '--scenario', scenario)
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Outcome
}

// Small ones of real processes; `npm run overload` has them all, beside other libraries.
test('a crash of a server whose next one greets 20 a second: all are live once it has greeted them, at their first dial, and it works for nobody who has gone', async () => {
  const outcome = await drive('crash-80-spread-1')
  expect(outcome).toMatchObject({ live: 80, wasted: 0 })
  expect(outcome.dialsPerClient).toBeLessThanOrEqual(1.5)
}, 60_000)

test('a drain at 200 a second into a server that greets 20: nobody is cut, and nobody is not live for a moment', async () => {
  const outcome = await drive('drain-80')
  expect(outcome).toMatchObject({ live: 80, moved: 80, forced: 0, notLive: 0, wasted: 0 })
}, 60_000)

test('what it is asked in vain it says, and how to ask', async () => {
  await expect(overload('--scenario', 'nonsense')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('drain-600') as string,
  })
})
