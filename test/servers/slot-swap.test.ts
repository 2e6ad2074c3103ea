import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { OURS } from '../../examples/slot-swap/reader.js'
import type { Outcome } from '../../examples/slot-swap/run-swaps.js'
import { ROOT } from '../kit/source-files.js'

it("when two ASP.NET Core slots are swapped under a chat, no client on one of our three ways notices, and SignalR's own client loses messages", {
  timeout: 180_000,
}, async () => {
  const { stdout } = await promisify(execFile)(
    'node',
    ['--import', 'tsx', 'examples/slot-swap/main.ts', '--small', '--json'],
    { cwd: ROOT },
  ).catch((failed: { stdout: string; stderr: string }) => {
    throw new Error(failed.stdout + failed.stderr)
  })
  const outcomes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome)
  for (const way of OURS)
    expect(outcomes.find((outcome) => outcome.way === way)).toMatchObject({
      ...{ lost: 0, repeated: 0, reordered: 0, gaps: 0, notLive: 0, linesWrong: 0 },
      moves: 2,
      news: expect.any(Number) as number,
    })
  const stock = outcomes.find(({ way }) => way === 'stock')!
  expect(stock.lost).toBeGreaterThan(0)
  expect(stock.notLive).toBeGreaterThan(0)
})
