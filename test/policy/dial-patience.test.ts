import { expect, test } from 'vitest'
import { dialPatience } from '../../src/policy/dial-patience.js'

test('a server that opens and does not welcome in time is waited for longer each time, and never for more than a minute', () => {
  expect([0, 1, 2, 3, 9].map((slow) => dialPatience(10_000, slow))).toEqual([10_000, 20_000, 40_000, 60_000, 60_000])
})

test('what the application allows is never cut short', () => {
  expect([0, 5].map((slow) => dialPatience(90_000, slow))).toEqual([90_000, 90_000])
})
