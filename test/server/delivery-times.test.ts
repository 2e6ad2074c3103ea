import { describe, expect, test } from 'vitest'
import { DeliveryTimes } from '../../src/server/delivery-times.js'
import { Durations } from '../../src/server/distribution.js'
import type { Recorded } from '../../src/server/index.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

function stage() {
  const clock = createSimulatedClock()
  const durations = new Durations()
  const times = new DeliveryTimes(clock, durations)
  const recorded = (offset: number, repeat = false): Recorded => ({ repeat, answer: { type: 'ack', offset } })
  /** A publish that arrives now. Calling the returned function answers its append. */
  function publish(topic: string) {
    let answer!: (recorded: Recorded) => void
    const done = times.append(topic, clock.monotonic(), () => new Promise<Recorded>((resolve) => (answer = resolve)))
    return async (offset: number, repeat?: boolean) => (answer(recorded(offset, repeat)), await done)
  }
  return { clock, times, publish, measured: () => [durations.distribution.count, durations.distribution.sum] }
}

describe('the time from a publish to its readers', () => {
  test('is the same whether the log delivers a message before or after it answers the publish', async () => {
    const { clock, times, publish, measured } = stage()
    const one = publish('t')
    await clock.advance(20)
    times.delivered('t', 1)
    await clock.advance(100)
    await one(1)
    expect(measured()).toEqual([1, 20])
    const two = publish('t')
    await clock.advance(5)
    await two(2)
    await clock.advance(5)
    times.delivered('t', 2)
    expect(measured()).toEqual([2, 30])
  })

  test('is not measured for messages of other servers, for repeats, and for messages that nobody here reads', async () => {
    const { clock, times, publish, measured } = stage()
    times.delivered('t', 7)
    await (await publish('t'))(7)
    const repeat = publish('u')
    times.delivered('u', 1)
    await repeat(1, true)
    // The numbering starts over, so offset 7 comes again.
    await clock.advance(61_000)
    times.delivered('t', 7)
    expect(measured()).toEqual([0, 0])
  })

  test('is measured for 1,000 publishes at a time', async () => {
    const { times, publish, measured } = stage()
    for (let offset = 1; offset <= 1_001; offset++) await publish('t')(offset)
    for (let offset = 1; offset <= 1_001; offset++) times.delivered('t', offset)
    expect(measured()[0]).toBe(1_000)
  })
})

test('a duration counts at the first bound that it does not exceed', () => {
  const durations = new Durations()
  for (const duration of [0, 1, 1.1, 300_000, 300_001]) durations.add(duration)
  const { bounds, counts } = durations.distribution
  expect([counts[bounds.indexOf(1)], counts[bounds.indexOf(2.5)], counts.at(-2), counts.at(-1)]).toEqual([2, 1, 1, 1])
})
