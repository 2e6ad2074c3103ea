import { expect, test } from 'vitest'
import { dialPatience } from '../../src/policy/dial-patience.js'

test('the wait for a welcome grows with each dial that opens and is not welcomed in time, up to a minute', () => {
  expect([0, 1, 2, 3, 9].map((slow) => dialPatience(10_000, slow))).toEqual([10_000, 20_000, 40_000, 60_000, 60_000])
})

test('a longer connectTimeout of the application is never cut short', () => {
  expect([0, 5].map((slow) => dialPatience(90_000, slow))).toEqual([90_000, 90_000])
})
