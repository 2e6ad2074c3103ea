import { expect, test } from 'vitest'
import { createMerge } from '../../src/topics/merge.js'
import { search } from './merge-search.js'

test('client rule 4: in thousands of schedules of handovers, breaks and faults every message arrives once and in order, or is in a gap', {
  timeout: 60_000,
}, () => {
  const seeds = Number(process.env['MERGE_SEEDS'] ?? 2_000)
  const found = search(createMerge, seeds, 250, Number(process.env['MERGE_FIRST'] ?? 1))
  expect(found && [`seed ${found.seed}: ${found.failure}`, ...found.trace].join('\n')).toBeNull()
})
