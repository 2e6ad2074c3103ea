import { expect, test } from 'vitest'
import { createRetryBudget } from '../../src/policy/retry-budget.js'

function budget() {
  let now = 0
  const budget = createRetryBudget({ monotonic: () => now })
  return { take: () => budget.take(), welcomed: () => budget.welcomed(), pass: (ms: number) => void (now += ms) }
}

test('ten failed dials in a row are not delayed; after them there is one dial every 3 s', () => {
  const { take, pass } = budget()
  expect(Array.from({ length: 10 }, take)).toEqual(Array.from({ length: 10 }, () => 0))
  for (let n = 0; n < 5; n++) {
    expect(take()).toBe(3_000)
    pass(3_000)
  }
})

test('asking again and again during the wait does not make it longer', () => {
  const { take } = budget()
  for (let n = 0; n < 100; n++) take()
  expect(take()).toBe(3_000)
})

test('a welcomed dial refills the budget in part, and so does time', () => {
  const { take, welcomed, pass } = budget()
  for (let n = 0; n < 12; n++) take()
  welcomed()
  expect(Array.from({ length: 5 }, take).filter((wait) => wait > 0)).toHaveLength(1)
  pass(60_000)
  expect(Array.from({ length: 10 }, take)).toEqual(Array.from({ length: 10 }, () => 0))
})
