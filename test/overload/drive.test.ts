import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { LiveOutcome } from '../../bench/overload/run-live.js'
import type { Outcome } from '../../bench/overload/run-scenario.js'
import { ROOT } from '../kit/source-files.js'

const run = promisify(execFile)
const overload = (...args: string[]) =>
  run('node', ['--import', 'tsx', 'bench/overload/main.ts', ...args], { cwd: ROOT })

async function drive<Seen = Outcome>(scenario: string) {
  const { stdout } = await overload('--small', '--json', '--only', 'livesocket', '--scenario', scenario)
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Seen
}

// Small ones of real processes; `npm run overload` has them all, beside other libraries.
test('after a crash, clients of a server that greets 20 a second are all live with few dials, and it greets none that has gone', async () => {
  const outcome = await drive('crash-60-spread-1')
  expect(outcome).toMatchObject({ live: 60, wasted: 0 })
  expect(outcome.dialsPerClient).toBeLessThanOrEqual(1.5)
}, 60_000)

test('a drain at 200 a second into a server that greets 20: no client is cut, and each stays live throughout', async () => {
  const outcome = await drive('drain-60')
  expect(outcome).toMatchObject({ live: 60, moved: 60, forced: 0, notLive: 0, wasted: 0 })
}, 60_000)

test.concurrent.each([
  ['more is published than can be written', 'fan-out'],
  ['Redis is slower than its writers', 'slow-redis'],
  ['the event loop stands still', 'stand-still'],
])(
  'while %s, acknowledged messages are stored once, readers get them in order or a gap, and all is calm again afterwards',
  async (_, scenario) => {
    const { kept, calm, ...seen } = await drive<LiveOutcome>(scenario)
    expect(kept).toBeGreaterThan(100)
    expect(seen).toMatchObject({ unkept: 0, twice: 0, lost: 0, repeated: 0, reordered: 0 })
    expect(calm).not.toBeNull()
  },
  60_000,
)

test('an unknown scenario is refused with a list of those that exist', async () => {
  await expect(overload('--scenario', 'nonsense')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('drain-600') as string,
  })
})
