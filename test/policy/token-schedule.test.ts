import { describe, expect, test } from 'vitest'
import {
  callGap,
  drawTokenSchedule,
  refreshDue,
  tokenLifetime,
  tokenRetryDelay,
  type RefreshRange,
} from '../../src/policy/token-schedule.js'
import { jwtLifetime } from '../../src/policy/token-claims.js'
import { seededRandom } from '../kit/seeded-random.js'

const MINUTE = 60_000

const base64url = (text: string): string => Buffer.from(text, 'utf8').toString('base64url')
const jwt = (claims: unknown): string =>
  `${base64url('{"alg":"none"}')}.${base64url(JSON.stringify(claims))}.${base64url('signature')}`

describe("a token's lifetime is", () => {
  const tenMinutes = jwt({ iat: 1_700_000_000, exp: 1_700_000_600, name: 'Zoë 名前' })

  test.each([
    ['its ttl', tenMinutes, 300_000, undefined, 300_000],
    ['else exp − iat of the JWT, whatever clock it was made by', tenMinutes, undefined, undefined, 600_000],
    ['else the option', 'opaque', undefined, 120_000, 120_000],
    ['else ten minutes', 'opaque', undefined, undefined, 600_000],
    ["the JWT's where ttl is NaN", tenMinutes, NaN, undefined, 600_000],
    ["the JWT's where ttl is 0", tenMinutes, 0, undefined, 600_000],
    ["the JWT's where ttl is negative", tenMinutes, -5, undefined, 600_000],
    [
      'ten minutes where the JWT had expired when it was issued',
      jwt({ iat: 100, exp: 100 }),
      undefined,
      undefined,
      600_000,
    ],
    ['400 days at most', 'opaque', 1e308, undefined, 400 * 24 * 60 * MINUTE],
    ['400 days where ttl is Infinity', 'opaque', Infinity, undefined, 400 * 24 * 60 * MINUTE],
    ['a second at least', 'opaque', 0.5, undefined, 1_000],
    ['ten minutes where the option is NaN', 'opaque', undefined, NaN, 600_000],
  ])('%s', (_, token, ttl, otherwise, lifetime) => {
    expect(tokenLifetime(token, ttl, otherwise)).toBe(lifetime)
  })

  test.each([
    ['empty', ''],
    ['dots', '...'],
    ['two dots', '..'],
    ['two parts', 'a.b'],
    ['four parts', `${tenMinutes}.x`],
    ['five parts, encrypted', 'a.b.c.d.e'],
    ['no base64', 'a.!!!.c'],
    ['base64 of no JSON', `a.${base64url('hello')}.c`],
    ['a payload that is null', jwt(null)],
    ['a payload that is an array', jwt([1, 2])],
    ['a payload that is a number', jwt(7)],
    ['without exp', jwt({ iat: 1 })],
    ['without iat', jwt({ exp: 1_700_000_000 })],
    ['with exp as text', jwt({ iat: 1, exp: '601' })],
    ['with exp before iat', jwt({ iat: 601, exp: 1 })],
    ['with an infinite exp', `a.${base64url('{"iat":1,"exp":1e999}')}.c`],
    ['with claims on __proto__ only', `a.${base64url('{"__proto__":{"iat":1,"exp":601}}')}.c`],
    ['100 kB', `a.${'x'.repeat(100_000)}.c`],
    ['a megabyte of brackets', `a.${base64url('['.repeat(40_000))}.c`],
  ])('not read from a token that is %s, and nothing is thrown', (_, token) => {
    expect(jwtLifetime(token)).toBeUndefined()
  })
})

describe('the refresh of a token of ten minutes', () => {
  test('is drawn uniformly from 5 to 9 min of its age', () => {
    const random = seededRandom(11)
    const drawn = Array.from({ length: 100_000 }, () => drawTokenSchedule(10 * MINUTE, {}, random))
    expect(new Set(drawn.map(({ earliest, dead }) => `${earliest} ${dead}`))).toEqual(new Set(['300000 590000']))
    const minutes = new Map<number, number>()
    for (const { due } of drawn) minutes.set(Math.floor(due / MINUTE), (minutes.get(Math.floor(due / MINUTE)) ?? 0) + 1)
    expect([...minutes.keys()].sort()).toEqual([5, 6, 7, 8])
    for (const count of minutes.values()) expect(Math.abs(count - 25_000)).toBeLessThan(500)
  })

  test('spreads a cohort that logged in together: 1.77, 1.33, 1.11 and 1.04 times the mean around refreshes 1, 3, 5, 7', () => {
    const clients = 200_000
    const binWidth = 10_000
    const bins = new Float64Array(400)
    const random = seededRandom(5)
    for (let client = 0; client < clients; client++) {
      let at = 0
      for (;;) {
        at += drawTokenSchedule(10 * MINUTE, {}, random).due
        const bin = Math.floor(at / binWidth)
        if (bin >= bins.length) break
        bins[bin]! += 1
      }
    }
    const mean = (clients * binWidth) / (7 * MINUTE)
    // The peak within half a mean interval on either side of the k-th refresh's mean time.
    const peak = (k: number): number =>
      Math.max(
        ...bins.slice(Math.floor(((k - 0.5) * 7 * MINUTE) / binWidth), Math.ceil(((k + 0.5) * 7 * MINUTE) / binWidth)),
      ) / mean
    expect(peak(1)).toBeCloseTo(1.77, 1)
    expect(peak(3)).toBeCloseTo(1.33, 1)
    expect(peak(5)).toBeCloseTo(1.11, 1)
    expect(peak(7)).toBeCloseTo(1.04, 1)
  })

  const ranges: readonly { range: RefreshRange; from: number; to: number }[] = [
    { range: { from: 0.2, to: 0.4 }, from: 0.2, to: 0.4 },
    { range: {}, from: 0.5, to: 0.9 },
    { range: { from: 0.7, to: 1 }, from: 0.7, to: 590 / 600 },
    { range: { from: 1, to: 1 }, from: 590 / 600, to: 590 / 600 },
  ]

  test.each(ranges)('comes before the token expires, whatever the range is: $range', ({ range, from, to }) => {
    expect(drawTokenSchedule(10 * MINUTE, range, () => 0).due).toBeCloseTo(from * 10 * MINUTE, 6)
    expect(drawTokenSchedule(10 * MINUTE, range, () => 1 - 2 ** -32).due).toBeCloseTo(to * 10 * MINUTE, 0)
  })

  test('comes so early in a hidden tab that late timers are in time', () => {
    const late = drawTokenSchedule(10 * MINUTE, {}, () => 0.999)
    expect(refreshDue(late, false)).toBe(late.due)
    expect(refreshDue(late, true)).toBeCloseTo(2 * (590_000 - 75_000) - late.due, 6)
    const soon = drawTokenSchedule(10 * MINUTE, {}, () => 0.1)
    expect(refreshDue(soon, true)).toBe(soon.due)
  })

  test('in hidden tabs is in time for late timers, costs no more calls, and does not gather clients at the latest moment', () => {
    const random = seededRandom(7)
    const dues = Array.from({ length: 20_000 }, () => refreshDue(drawTokenSchedule(10 * MINUTE, {}, random), true))
    expect(Math.max(...dues)).toBeLessThanOrEqual(515_000)
    expect(Math.min(...dues)).toBeGreaterThanOrEqual(5 * MINUTE)
    expect(dues.reduce((sum, due) => sum + due) / dues.length).toBeGreaterThan(6.9 * MINUTE)
    const bins = Array.from(
      { length: 240 },
      (_, bin) => dues.filter((due) => Math.floor(due / 1_000) - 300 === bin).length,
    )
    expect(Math.max(...bins)).toBeLessThan((2.5 * 20_000) / 240)
  })
})

describe('a token of another lifetime', () => {
  test.each([
    ['30 s', 30_000, 28_500, 7_500],
    ['a minute', MINUTE, 57_000, 15_000],
    ['40 days', 40 * 24 * 60 * MINUTE, 40 * 24 * 60 * MINUTE - 10_000, 20_000],
  ])('of %s counts as expired shortly before its end, and has its own least gap of calls', (_, lifetime, dead, gap) => {
    const schedule = drawTokenSchedule(lifetime, {}, () => 0.5)
    expect(schedule.dead).toBe(dead)
    expect(schedule.due).toBeCloseTo(lifetime * 0.7, 6)
    expect(callGap(lifetime)).toBe(gap)
    // Fetches never loop, not even in a hidden tab: they come neither before the range begins nor before the gap has
    // passed.
    expect(refreshDue(schedule, true)).toBeGreaterThanOrEqual(lifetime * 0.5)
    expect(refreshDue(schedule, true)).toBeGreaterThanOrEqual(gap)
  })

  test('of an absurd number has a sane schedule', () => {
    for (const lifetime of [NaN, 0, -1, Infinity, 1e308]) {
      const { due, dead, lifetime: taken } = drawTokenSchedule(tokenLifetime('opaque', lifetime), {}, () => 0.5)
      expect(taken).toBeGreaterThanOrEqual(1_000)
      expect(due).toBeGreaterThanOrEqual(500)
      expect(dead).toBeGreaterThanOrEqual(due)
      expect(Number.isFinite(dead)).toBe(true)
    }
  })
})

describe('after a provider failed, the next call waits', () => {
  const range = (ask: Parameters<typeof tokenRetryDelay>[0]): [number, number] => [
    tokenRetryDelay(ask, () => 0),
    Math.round(tokenRetryDelay(ask, () => 1 - 2 ** -40)),
  ]

  test.each([
    ['5 to 35 s at first', { failures: 0, left: 5 * MINUTE }, 5_000, 35_000],
    ['over twice the window the second time', { failures: 1, left: 5 * MINUTE }, 5_000, 65_000],
    ['over half of what the token has left at most', { failures: 4, left: 100_000 }, 5_000, 55_000],
    ['over 30 s where the token is about to die', { failures: 4, left: 12_000 }, 5_000, 35_000],
    ['over 5 min at most once it is dead', { failures: 4, left: 0 }, 5_000, 305_000],
    ['over 5 min at most, however often it failed', { failures: 1e9, left: -1 }, 5_000, 305_000],
    [
      'as long as the provider asked for, and then spread',
      { failures: 0, retryAfter: 40_000, left: 0 },
      40_000,
      70_000,
    ],
    ['5 s where the provider asked for less', { failures: 0, retryAfter: 10, left: 0 }, 5_000, 35_000],
    ['an hour where the provider asked for a year', { failures: 0, retryAfter: 3e10, left: 0 }, 3_600_000, 3_630_000],
    ['as without it where retryAfter is NaN', { failures: 0, retryAfter: NaN, left: 0 }, 5_000, 35_000],
    ['as without it where retryAfter is negative', { failures: 0, retryAfter: -1, left: 0 }, 5_000, 35_000],
  ])('%s', (_, ask, from, to) => {
    expect(range(ask)).toEqual([from, to])
  })
})
