import { expect, test } from 'vitest'
import { createStepClock } from '../../kit/step-clock.js'
import { createGreetingLimit } from '../../../src/server/admission/greeting-limit.js'

/** An endless crowd in front of an identity service that handles `width` calls at a time, for `call` ms each. */
function crowd({ width, call }: { width: number; call: number }) {
  const clock = createStepClock()
  const limit = createGreetingLimit(100, 10_000, () => clock.monotonic())
  const service = { width, call, running: 0, done: 0, failing: false }
  const queue: (() => void)[] = []
  let underWay = 0
  let stillUntil = 0

  function serve() {
    while (service.running < service.width && queue.length > 0) {
      const done = queue.shift()!
      service.running++
      clock.setTimeout(() => {
        service.running--
        service.done++
        done()
        serve()
      }, service.call)
    }
  }
  function greet() {
    while (underWay < limit.value) {
      const begunAt = clock.monotonic()
      const of = ++underWay
      const ended = () => {
        underWay--
        const took = clock.monotonic() - begunAt
        limit.ended({ begunAt, took, of, failed: service.failing, limited: true })
        greet()
      }
      // A process that stands still gets the answer afterwards.
      queue.push(() => void clock.setTimeout(ended, Math.max(0, stillUntil - clock.monotonic())))
    }
    serve()
  }
  greet()
  return {
    limit,
    service,
    now: () => clock.monotonic(),
    lasts: (ms: number) => clock.advance(ms),
    standsStill: (ms: number) => void (stillUntil = clock.monotonic() + ms),
  }
}

test.each([4, 10, 40])(
  'an identity service that takes %s calls at a time is kept busy, without a long queue in front of it',
  (width) => {
    const { limit, service, lasts } = crowd({ width, call: 500 })
    lasts(5_000)
    const before = service.done
    lasts(10_000)
    expect(service.done - before).toBeGreaterThanOrEqual(width * 20 * 0.98)
    expect(limit.value).toBeGreaterThanOrEqual(width)
    expect(limit.value).toBeLessThanOrEqual(Math.max(width * 3, width + 8))
    expect(limit.found).toBe(true)
  },
)

test('greetings that need no call to the identity service, however many, do not raise the limit of calls at a time', () => {
  const { limit, service, lasts } = crowd({ width: 10, call: 500 })
  lasts(5_000)
  for (let ms = 0; ms < 30_000; ms += 5) {
    limit.ended({ begunAt: ms, took: 0, of: limit.value, failed: false, limited: true })
    lasts(5)
  }
  expect(limit.value).toBeLessThanOrEqual(30)
  expect(service.done).toBeGreaterThanOrEqual(35 * 20 * 0.95)
})

test('after the process itself stood still, the limit is back at its maximum a few greetings later', () => {
  const { limit, lasts, standsStill } = crowd({ width: 1_000, call: 500 })
  lasts(600)
  standsStill(4_000)
  lasts(5_000)
  expect(limit.value).toBeLessThan(100)
  lasts(2_500)
  expect(limit.value).toBe(100)
})

test('an identity service that fails gets only a few calls at a time, and the maximum again soon after it is back', () => {
  const { limit, service, lasts } = crowd({ width: 1_000, call: 100 })
  lasts(2_000)
  service.failing = true
  lasts(5_000)
  expect(limit.value).toBe(4)
  service.failing = false
  lasts(1_000)
  expect(limit.value).toBe(100)
})

test('a stranger whose tokens make authenticate throw, before it has asked anybody, leaves known users as much room as before', () => {
  const { limit, service, lasts, now } = crowd({ width: 1_000, call: 50 })
  lasts(2_000)
  const values: number[] = []
  for (let ms = 0; ms < 1_000; ms++) {
    service.call = 40 + (ms % 20)
    for (const took of [0, 1])
      limit.ended({ begunAt: now() - took, took, of: limit.value, failed: true, limited: true })
    lasts(1)
    values.push(limit.value)
  }
  expect(Math.min(...values)).toBe(100)
  expect(limit.found).toBe(true)
})

test('an identity service that takes longer for every call, whatever their number, keeps the maximum of calls at a time', () => {
  const { limit, service, lasts } = crowd({ width: 1_000, call: 50 })
  lasts(2_000)
  service.call = 3_000
  lasts(30_000)
  expect(limit.value).toBe(100)
})

test('an identity service that became slower keeps the maximum also while other greetings end at once, again and again', () => {
  const { limit, service, lasts, now } = crowd({ width: 1_000, call: 50 })
  lasts(2_000)
  service.call = 3_000
  for (let ms = 0; ms < 60_000; ms += 100) {
    limit.ended({ begunAt: now(), took: 0, of: limit.value, failed: false, limited: false })
    lasts(100)
  }
  expect(limit.value).toBe(100)
})

test('greetings that clients gave up count as slow ones: an identity service that answers nobody in time gets fewer calls at a time', () => {
  const clock = createStepClock()
  const limit = createGreetingLimit(100, 10_000, () => clock.monotonic())
  const before = limit.value
  limit.givenUp(900)
  expect(limit.value).toBe(before)
  for (let one = 0; one < before; one++) limit.givenUp(2_000)
  expect(limit.value).toBe(before / 2)
})

test('the first limit is lower the less time a hello has', () => {
  const first = (patience: number) => createGreetingLimit(100, patience, () => 0).value
  expect([1_000, 2_000, 10_000, 60_000].map(first)).toEqual([5, 10, 50, 100])
})
