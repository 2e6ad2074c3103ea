import { expect, test } from 'vitest'
import { createPeriod } from '../../src/base/period.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

test('a period runs out on its own, even during sleep, and extending never shortens it', async () => {
  const clock = createSimulatedClock()
  const period = createPeriod(clock)
  expect(period.left).toBe(0)
  period.start(1_000)
  await clock.advance(400)
  period.extend(500)
  expect(period.left).toBe(600)
  period.extend(900)
  expect(period.left).toBe(900)
  clock.sleep(1_000)
  expect(period.left).toBe(0)
  period.start(1_000)
  period.stop()
  expect(period.left).toBe(0)
})

test('a period can have begun before it was set', () => {
  const clock = createSimulatedClock()
  const period = createPeriod(clock)
  period.start(1_000, { wall: clock.now() - 300, monotonic: clock.monotonic() - 300 })
  expect(period.left).toBe(700)
})
