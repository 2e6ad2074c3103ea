import { expect, test } from 'vitest'
import { LegFlight } from '../../../src/server/legs/leg-flight.js'
import { createSimulatedClock } from '../kit.js'

test('server rule 5: a frame was on its way no longer than since the welcome, or since the newest ping that was answered before it', async () => {
  const clock = createSimulatedClock()
  const flight = new LegFlight(clock)
  await clock.advance(100)
  flight.welcomed()
  await clock.advance(1_000)
  flight.asked('1')
  await clock.advance(1_000)
  flight.asked('2')
  await clock.advance(500)
  expect(flight.longest()).toBe(2_500)
  flight.answered('1')
  expect(flight.longest()).toBe(1_500)
  flight.answered('no ping of ours')
  flight.answered('2')
  expect(flight.longest()).toBe(500)
  // A repeated or late pong tells nothing newer.
  flight.answered('1')
  expect(flight.longest()).toBe(500)
})

test('of two pings with the same mark, the first pong answers the first one, and the second pong the later one', async () => {
  const clock = createSimulatedClock()
  const flight = new LegFlight(clock)
  flight.asked('7')
  await clock.advance(400)
  flight.asked('7')
  await clock.advance(10)
  flight.answered('7')
  expect(flight.longest()).toBe(410)
  flight.answered('7')
  expect(flight.longest()).toBe(10)
  flight.answered('7')
  expect(flight.longest()).toBe(10)
})
