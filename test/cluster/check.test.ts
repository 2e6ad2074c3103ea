import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { check, quantile } from '../../bench/cluster/check.js'
import type { Line } from '../../bench/cluster/record.js'

async function verdictOn(lines: readonly Line[], window: { from?: number; until?: number } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'livesocket-check-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const half = Math.ceil(lines.length / 2)
  const paths = [join(folder, 'a.jsonl'), join(folder, 'b.jsonl')]
  await writeFile(
    paths[0]!,
    lines
      .slice(0, half)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  )
  await writeFile(
    paths[1]!,
    lines
      .slice(half)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  )
  return check(paths, { busiest: 't', ...window })
}

/** One client's messages from…to. */
const got = (from: number, to: number, client = 'c'): Line => [
  'got',
  client,
  't',
  from,
  to,
  from,
  from * 100,
  to * 100,
  100,
]
const published: Line[] = [
  ['applied', 't', 1, 10],
  ['sent', 't', 10],
]
const gap: Line = ['gap', 'c', 't', null, null, 'epoch', 0]

test.each<[string, Line[], object]>([
  [
    'a client that gets everything has lost nothing',
    [got(1, 10)],
    { lost: 0, repeated: 0, reordered: 0, gaps: 0, published: 10, delivered: 10 },
  ],
  ['what is before the first message is not expected', [got(4, 10)], { lost: 0 }],
  ['a hole is a loss', [got(1, 3), got(6, 10)], { lost: 2, lostInGaps: 0 }],
  ['a missing end is a loss', [got(1, 8)], { lost: 2 }],
  ['a client that gets nothing has lost everything', [['follows', 'c', 't']], { lost: 10 }],
  [
    'a hole that a gap reports is no loss',
    [got(1, 3), gap, got(6, 10)],
    { lost: 0, lostInGaps: 2, gaps: 1, mostGaps: 1 },
  ],
  ['a gap does not excuse a hole elsewhere', [got(1, 3), got(5, 6), gap, got(8, 10)], { lost: 1, lostInGaps: 1 }],
  ['a gap at the end', [got(1, 8), gap], { lost: 0, lostInGaps: 2 }],
  ['a repeat', [got(1, 6), got(6, 10)], { repeated: 1, lost: 0 }],
  ['an older message that comes late', [got(1, 3), got(6, 10), got(4, 5)], { reordered: 2, lost: 0, repeated: 0 }],
  ['each client is counted on its own', [got(1, 10), got(1, 9, 'd')], { lost: 1, delivered: 19 }],
])('%s', async (_, lines, expected) => {
  expect(await verdictOn([...published, ...lines])).toMatchObject(expected)
})

test('a refused publish is not missed, and is counted where it is delivered all the same; an unknown one is neither', async () => {
  const outcomes: Line[] = [
    ['applied', 't', 1, 3],
    ['refused', 't', 4, 'refused'],
    ['unknown', 't', 5, 77],
    ['applied', 't', 6, 6],
    ['sent', 't', 6],
  ]
  expect(await verdictOn([...outcomes, got(1, 3), got(6, 6)])).toMatchObject({
    lost: 0,
    refused: 1,
    unknown: 1,
    unknowns: [{ topic: 't', n: 5, at: 77 }],
    refusedButDelivered: 0,
  })
  expect(await verdictOn([...outcomes, got(1, 6)])).toMatchObject({ lost: 0, refusedButDelivered: 1 })
})

test('the longest silence is measured within the trouble', async () => {
  const lines: Line[] = [
    ...published,
    ['got', 'c', 't', 1, 5, 1, 0, 400, 90],
    ['got', 'c', 't', 6, 10, 7, 1_900, 2_300, 300],
  ]
  expect(await verdictOn(lines)).toMatchObject({ longestSilence: 1_500 })
  expect(await verdictOn(lines, { from: 0, until: 1_000 })).toMatchObject({ longestSilence: 90 })
})

test('the check counts who was away and for how long, who closed, and the most dials in a second', async () => {
  const lines: Line[] = [
    ['live', 'c', 0],
    ['away', 'c', 1_000],
    ['live', 'c', 1_700],
    ['live', 'd', 0],
    ['closed', 'e', 'server', 5],
    ...[0, 100, 200, 1_050, 1_150].map((at): Line => ['dial', 'c', at]),
  ]
  expect(await verdictOn(lines, { from: 900, until: 5_000 })).toMatchObject({
    away: 1,
    backAfter: [800],
    closed: 1,
    dialPeak: 2,
  })
  expect(await verdictOn(lines)).toMatchObject({ dialPeak: 3 })
})

test('quantiles', () => {
  expect([0, 0.5, 0.99, 1].map((at) => quantile([1, 2, 3, 4], at))).toEqual([1, 3, 4, 4])
  expect(quantile([], 0.5)).toBeNaN()
})
