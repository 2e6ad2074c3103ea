import { describe, expect, test } from 'vitest'
import {
  agedAfter,
  handoverDialDelay,
  reconnectDelay,
  reconnectWindow,
  spreadDelay,
  type ReconnectAsk,
} from '../../src/policy/delay.js'
import { seededRandom } from '../kit/seeded-random.js'

const DRAWS = 100_000

/** `DRAWS` results of `draw` with a fixed seed, ascending. */
function draws(draw: (random: () => number) => number): number[] {
  const random = seededRandom(7)
  return Array.from({ length: DRAWS }, () => draw(random)).sort((a, b) => a - b)
}

/**
 * Expects draws within [from, to) that use the whole range: every tenth of it holds a tenth of the draws, give or take
 * 5 %.
 */
function expectUniform(sorted: readonly number[], from: number, to: number): void {
  expect(sorted[0]).toBeGreaterThanOrEqual(from)
  expect(sorted[DRAWS - 1]).toBeLessThan(to)
  const tenths = new Array<number>(10).fill(0)
  for (const value of sorted) tenths[Math.floor(((value - from) / (to - from)) * 10)]! += 1
  for (const count of tenths) expect(Math.abs(count / DRAWS - 0.1)).toBeLessThan(0.005)
}

describe('a reconnection waits', () => {
  const rows: readonly { when: string; ask: ReconnectAsk; from: number; to: number }[] = [
    { when: 'server gone, first attempt', ask: { failures: 0, spread: 30_000 }, from: 250, to: 30_250 },
    { when: 'server gone, no hint', ask: { failures: 0 }, from: 250, to: 30_250 },
    { when: 'after one failure: twice as wide', ask: { failures: 1, spread: 30_000 }, from: 250, to: 60_250 },
    { when: 'after two failures: the cap', ask: { failures: 2, spread: 30_000 }, from: 250, to: 120_250 },
    { when: 'after thirty failures: still the cap', ask: { failures: 30, spread: 30_000 }, from: 250, to: 120_250 },
    { when: 'the server spreads wider than the cap', ask: { failures: 0, spread: 180_000 }, from: 250, to: 180_250 },
    { when: 'the same after failures', ask: { failures: 9, spread: 180_000 }, from: 250, to: 180_250 },
    { when: 'a small deployment, first attempt', ask: { failures: 0, spread: 2_000 }, from: 250, to: 2_250 },
    { when: 'a tiny one, after failures', ask: { failures: 2, spread: 100 }, from: 250, to: 650 },
    { when: 'a spread of 0 backs off as well', ask: { failures: 3, spread: 0 }, from: 250, to: 8_250 },
    { when: 'only this client hit', ask: { failures: 0, early: true, spread: 30_000 }, from: 50, to: 1_050 },
    {
      when: 'only this client hit, the early attempt failed',
      ask: { failures: 1, early: true, spread: 30_000 },
      from: 250,
      to: 60_250,
    },
    { when: 'busy, told for how long', ask: { failures: 0, busy: true, retryAfter: 8_000 }, from: 8_000, to: 38_000 },
    { when: 'busy for no time', ask: { failures: 0, busy: true, retryAfter: 0 }, from: 250, to: 30_250 },
    { when: 'busy, not told', ask: { failures: 0, busy: true }, from: 5_000, to: 35_000 },
    {
      when: 'busy, and only this client hit: nobody is early',
      ask: { failures: 0, early: true, retryAfter: 1_000 },
      from: 1_000,
      to: 31_000,
    },
  ]

  test.each(rows)('$when: uniform from $from to $to ms', ({ ask, from, to }) => {
    expectUniform(
      draws((random) => reconnectDelay(ask, random)),
      from,
      to,
    )
  })

  test('exactly 250 ms at a spread of 0, first attempt', () => {
    expect(reconnectDelay({ failures: 0, spread: 0 }, seededRandom(1))).toBe(250)
  })

  test('so that 100,000 clients do not all wait for the same maximum', () => {
    for (const ask of [{ failures: 20 }, { failures: 0, retryAfter: 1e308 }, { failures: 5, spread: 1e308 }]) {
      const sorted = draws((random) => reconnectDelay(ask, random))
      expect(new Set(sorted).size).toBeGreaterThan(DRAWS * 0.99)
    }
  })

  test('so that a million clients make at most 35,000 dials in any second', () => {
    const perSecond = new Map<number, number>()
    const random = seededRandom(3)
    for (let client = 0; client < 1_000_000; client++) {
      const second = Math.floor(reconnectDelay({ failures: 0 }, random) / 1_000)
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1)
    }
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(35_000)
  })

  const garbage: readonly unknown[] = [NaN, -1, -Infinity, Infinity, 1e308, 2 ** 53, undefined, null, '30000', {}, []]

  test.each(['spread', 'retryAfter'] as const)(
    'no less than 250 ms and no more than 125 min, whatever %s is',
    (field) => {
      for (const value of garbage) {
        for (const failures of [0, 1, 1e9]) {
          for (const random of [() => 0, () => 1 - 2 ** -32]) {
            const delay = reconnectDelay({ failures, spread: 30_000, [field]: value } as ReconnectAsk, random)
            expect(delay).toBeGreaterThanOrEqual(250)
            expect(delay).toBeLessThanOrEqual(125 * 60_000)
          }
        }
      }
    },
  )

  test('at most 5 min if a server names a longer spread', () => {
    expect(reconnectWindow(0, 1e308, undefined)).toBe(300_000)
  })
})

describe('client rule 3: a dial within a handover waits', () => {
  test.each([
    [0, 200],
    [1, 400],
    [3, 1_600],
    [4, 2_000],
    [1e9, 2_000],
  ])('as number %d, uniform from 0 to %d ms', (n, to) => {
    expectUniform(
      draws((random) => handoverDialDelay({ n }, random)),
      0,
      to,
    )
  })

  test.each([-1, Infinity])('a bounded time as number %d', (n) => {
    expect(handoverDialDelay({ n }, () => 0.999)).toBeLessThan(2_000)
    expect(handoverDialDelay({ n }, () => 0.999)).toBeGreaterThanOrEqual(0)
  })
})

describe('a handover that the server asked for starts', () => {
  test.each([
    {
      name: 'at a random moment of the spread',
      ask: { spread: 10_000, deadline: 60_000, dialTime: 10_000 },
      to: 10_000,
    },
    {
      name: 'early enough to leave time for the dial',
      ask: { spread: 60_000, deadline: 30_000, dialTime: 10_000 },
      to: 20_000,
    },
    {
      name: 'within a day, whatever the server says',
      ask: { spread: 1e308, deadline: 1e308, dialTime: 0 },
      to: 86_400_000,
    },
  ])('$name', ({ ask, to }) => {
    expectUniform(
      draws((random) => spreadDelay(ask, random)),
      0,
      to,
    )
  })

  test.each([
    { name: 'without a spread', ask: { deadline: 60_000, dialTime: 10_000 } },
    { name: 'with a deadline that leaves no time', ask: { spread: 5_000, deadline: 9_000, dialTime: 10_000 } },
    { name: 'with a deadline of 0', ask: { spread: 5_000, deadline: 0, dialTime: 0 } },
    { name: 'with NaN for a spread', ask: { spread: NaN, deadline: 60_000, dialTime: 0 } },
    { name: 'with NaN for a deadline', ask: { spread: 5_000, deadline: NaN, dialTime: 0 } },
    { name: 'with a negative spread', ask: { spread: -5, deadline: 60_000, dialTime: 0 } },
  ])('at once $name', ({ ask }) => {
    expect(spreadDelay(ask, () => 0.999)).toBe(0)
  })
})

describe('maxAge', () => {
  test('hands a leg over at 0.8 to 1.0 of it, so that no platform cuts it first and no two legs hand over together', () => {
    expectUniform(
      draws((random) => agedAfter(3_600_000, random)),
      2_880_000,
      3_600_000,
    )
  })

  test('never hands a leg over if there is no limit', () => {
    expect(agedAfter(Infinity, () => 0.5)).toBe(Infinity)
  })
})
