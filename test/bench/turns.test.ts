import { expect, it } from 'vitest'
import type { Contender } from '../../bench/kit/contender.js'
import { percentile, spread } from '../../bench/kit/spread.js'
import { shown } from '../../bench/kit/table.js'
import { inTurns, multiples } from '../../bench/kit/turns.js'

const contenders = ['a', 'b', 'c'].map((name) => ({ name }) as Contender)

it('begins each round with another contender, and reports median, least and most of the rounds', async () => {
  const order: string[] = []
  const measures = await inTurns({ rounds: 3, say() {} }, contenders, { time: 'ms' }, async ({ name }) => ({
    time: order.push(name),
  }))
  expect(order.join('')).toBe('abcbcacab')
  expect(measures).toEqual([
    { contender: 'a', what: 'time', unit: 'ms', median: 6, least: 1, most: 8 },
    { contender: 'b', what: 'time', unit: 'ms', median: 4, least: 2, most: 9 },
    { contender: 'c', what: 'time', unit: 'ms', median: 5, least: 3, most: 7 },
  ])
  expect(
    multiples(measures, 'time', { of: 'b', as: 'against b' }).map(({ contender, median }) => [contender, median]),
  ).toEqual([
    ['a', 1.5],
    ['b', 1],
    ['c', 1.25],
  ])
  expect(multiples(measures, 'time', { of: 'nobody', as: 'against nobody' })).toEqual([])
})

it('shows bytes in kB, and the spread only where there is one', () => {
  const measure = (unit: 'B' | '×', ...numbers: number[]) =>
    shown({ contender: '', what: '', unit, ...spread(numbers) })
  expect(measure('B', 36_540)).toBe('36.5 kB')
  expect(measure('B', 367)).toBe('367 B')
  expect(measure('×', 1.5, 1.4, 1.75)).toBe('1.50 (1.40–1.75)')
  expect(percentile([4, 1, 3, 2], 0.5)).toBe(2)
})
