import { beforeEach, describe, expect, it } from 'vitest'
import { createChecker, median, type CheckedClient, type Checker } from './checker.js'

let time = 0
let checker: Checker
let client: CheckedClient

beforeEach(() => {
  time = 0
  checker = createChecker(() => time)
  client = checker.client('ours')
})

const deliver = (...numbers: number[]) => {
  for (const n of numbers) client.delivered('feed', n, n)
}

describe('the checker', () => {
  it.each([
    ['a clean stream', [1, 2, 3, 4], { lost: 0, repeated: 0, reordered: 0 }],
    ['a hole', [1, 2, 4], { lost: 1, repeated: 0, reordered: 0 }],
    ['a missing end', [1, 2], { lost: 2, repeated: 0, reordered: 0 }],
    ['a repeat', [1, 2, 2, 3, 4], { lost: 0, repeated: 1, reordered: 0 }],
    ['a repeat of an old one', [1, 2, 3, 4, 1, 1], { lost: 0, repeated: 2, reordered: 0 }],
    ['two that changed places', [1, 3, 2, 4], { lost: 0, repeated: 0, reordered: 1 }],
    ['a start in the middle', [3, 4], { lost: 0, repeated: 0, reordered: 0 }],
    ['all of it', [1, 4, 3, 3], { lost: 1, repeated: 1, reordered: 1 }],
  ])('counts what is wrong with %s', (_what, numbers, wanted) => {
    checker.sent('feed', 4)
    deliver(...numbers)
    expect(checker.summary('ours')).toMatchObject(wanted)
  })

  it('counts a topic as lost that a client expects and never got a message of', () => {
    const deaf = checker.client('deaf', ['feed'])
    checker.sent('feed', 3)
    expect(checker.summary('deaf')).toMatchObject({ delivered: 0, lost: 3 })
    deaf.delivered('feed', 2)
    expect(checker.summary('deaf')).toMatchObject({ delivered: 1, lost: 2 })
  })

  it('tells a message that was applied twice from one that was delivered twice', () => {
    client.delivered('feed', 1, 1)
    client.delivered('feed', 1, 1)
    client.delivered('feed', 1, 2)
    expect(checker.summary('ours')).toMatchObject({ repeated: 2, appliedTwice: 1 })
  })

  it.each([
    ['the very messages that are missing', 2, 3, 0],
    ['too few', 2, 2, 1],
    ['too many', 2, 5, 2],
    ['other ones', 6, 7, 4],
    ['no bounds', null, null, 2],
  ])('sees that a gap names %s', (_what, from, to, unexplained) => {
    checker.sent('feed', 5)
    deliver(1, 4, 5)
    client.gap('feed', from, to)
    expect(checker.summary('ours')).toMatchObject({ gaps: 1, lost: 2, unexplained })
  })

  it('measures the longest silence of each handover, one that still lasts included', () => {
    deliver(0)
    time = 1_000
    deliver(1)
    client.moving()
    for (const at of [1_010, 1_020, 1_080, 1_090]) {
      time = at
      deliver(at)
    }
    time = 1_100
    client.moving()
    time = 1_190
    checker.end()
    expect(checker.summary('ours').silences).toEqual([60, 100])
  })

  it('counts the time not live from the first time live on', () => {
    client.live(false)
    time = 5
    client.live(true)
    time = 10
    client.live(false)
    time = 17
    client.live(true)
    time = 20
    client.live(false)
    time = 24
    expect(checker.summary('ours').notLive).toBe(11)
  })

  it('keeps the groups apart', () => {
    const other = checker.client('theirs')
    other.delivered('feed', 1)
    other.delivered('feed', 3)
    deliver(1, 2, 3)
    expect(checker.summary('ours').lost).toBe(0)
    expect(checker.summary('theirs').lost).toBe(1)
  })
})

it('the median of an even count lies between its two middles', () => {
  expect(median([1, 2, 10])).toBe(2)
  expect(median([1, 2, 4, 10])).toBe(3)
})
