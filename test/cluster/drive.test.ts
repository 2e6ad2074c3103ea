import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { Outcome } from '../../bench/cluster/run-scenario.js'
import { ROOT } from '../kit/source-files.js'

const run = promisify(execFile)

async function drive(...args: string[]) {
  const { stdout } = await run('node', ['--import', 'tsx', 'bench/cluster/main.ts', '--small', '--json', ...args], {
    cwd: ROOT,
  }).catch((failed: { stdout: string; stderr: string }) => {
    throw new Error(failed.stdout + failed.stderr)
  })
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome)
}

// The drive checks the promises itself. Here it is a small one; `npm run cluster` runs the whole.
test.each(['haproxy', 'nginx'])(
  'through %s: no client notices a rolling deploy of real processes',
  async (proxy) => {
    const [outcome] = await drive('--proxy', proxy, '--scenario', 'rolling', '--clients', '40')
    expect(outcome).toMatchObject({
      scenario: 'rolling',
      proxy,
      lost: 0,
      repeated: 0,
      reordered: 0,
      gaps: 0,
      notLive: 0,
      broken: [],
    })
    expect(outcome!.delivered).toBeGreaterThan(500)
  },
  180_000,
)

test('a node that freezes while answers are dropped early: no publish is applied twice, out of order, or after an outcome-unknown', async () => {
  const [outcome] = await drive('--scenario', 'overload', '--clients', '40')
  expect(outcome).toMatchObject({
    scenario: 'overload',
    lost: 0,
    repeated: 0,
    reordered: 0,
    overturned: 0,
    broken: [],
  })
  expect(outcome!.delivered).toBeGreaterThan(500)
}, 300_000)

test('a Redis that lost its data: each client gets one gap in each topic, and nothing is repeated', async () => {
  const [outcome] = await drive('--scenario', 'redis-loss', '--clients', '20')
  expect(outcome).toMatchObject({ lost: 0, repeated: 0, reordered: 0, gaps: 25, broken: [] })
}, 180_000)

test('an unknown scenario is refused with a list of those that exist', async () => {
  const failed = await run('node', ['--import', 'tsx', 'bench/cluster/main.ts', '--scenario', 'nonsense'], {
    cwd: ROOT,
  }).catch((error: { code: number; stderr: string }) => error)
  expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining('rolling') })
})
