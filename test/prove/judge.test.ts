import { expect, it } from 'vitest'
import { createJudge } from './judge.js'

const trimmedTo = (trimmed: number) => ({ epoch: 'e', trimmed, archive: () => [], applied: () => 0 })

it.each([
  [2, 'one loss reported as two', ['two gaps in a row from 2']],
  [1, 'two losses', []],
])('two gaps in a row, with the log trimmed to %d at the first one: %s', (trimmed, _, broken) => {
  const log = trimmedTo(trimmed)
  const judge = createJudge(log)
  judge.started('e', 0)
  judge.gap({ epoch: 'e', from: 1, to: 1 })
  log.trimmed = 2
  judge.gap({ epoch: 'e', from: 2, to: 2 })
  expect(judge.broken).toEqual(broken)
})
