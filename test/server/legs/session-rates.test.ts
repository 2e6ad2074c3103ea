import { expect, test } from 'vitest'
import { createSessionRates } from '../../../src/server/legs/session-rates.js'
import { createSimulatedClock } from '../../../src/testing/simulated-clock.js'
import { liveServer, until } from '../kit.js'

const LIMITS = { messagesPerSecond: 10, messageBurst: 20, bytesPerSecond: 1_000, byteBurst: 10_000 }
const publish = (id: number | string, more: object = {}) => ({
  type: 'publish',
  id: `${id}`,
  topic: 't',
  data: 1,
  ...more,
})

test('a session may send its burst at once and its rate after that, shared by its legs', async () => {
  const clock = createSimulatedClock()
  const rates = createSessionRates(LIMITS, clock)
  const [old, fresh] = [rates.join('s'), rates.join('s')]
  const within = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, at) => (at % 2 ? old : fresh).take(bytes)).filter((wait) => wait === 0).length
  expect(within(20, 10)).toBe(20)
  await clock.advance(500)
  expect(within(5, 10)).toBe(5)
  // A frame passes whole while there is any room; the next one is over the limit.
  expect(old.take(10)).toBe(0)
  expect(fresh.take(10)).toBe(100)
  expect(rates.join('other').take(10)).toBe(0)
})

test('a frame larger than the burst passes, and the next frames wait until it is paid for', async () => {
  const clock = createSimulatedClock()
  const rate = createSessionRates(LIMITS, clock).join('s')
  expect(rate.take(25_000)).toBe(0)
  expect(rate.take(1)).toBe(15_000)
  expect(rate.refuse(1)).toBe(16_000)
  await clock.advance(16_000)
  expect(rate.take(1)).toBe(0)
})

test('a session that comes back gets no new burst, and is forgotten after a long absence', async () => {
  const clock = createSimulatedClock()
  const rates = createSessionRates(LIMITS, clock)
  const leg = rates.join('s')
  for (let at = 0; at < 21; at++) leg.take(1)
  rates.leave(leg)
  expect(rates.join('s').take(1)).toBeGreaterThan(0)
  const quiet = rates.join('quiet')
  rates.leave(quiet)
  expect(rates.size).toBe(1)
  for (let at = 0; at < 20_000; at++) {
    const one = rates.join(`${at}`)
    one.take(1)
    rates.leave(one)
  }
  expect(rates.size).toBeLessThanOrEqual(10_001)
  await clock.advance(30_000)
  rates.leave(rates.join('x'))
  expect(rates.size).toBe(1)
})

test('a publish over the rate is refused as busy with a retryAfter, for that session alone, and a publish after that time is applied', async () => {
  const clock = createSimulatedClock()
  const server = await liveServer({
    clock,
    limits: { messagesPerSecond: 10, messageBurst: 20 },
    onEvent: ({ type }) => void events.push(type),
  })
  const events: string[] = []
  const [greedy, honest] = [
    await server.join({ session: 'greedy' }),
    await server.join({ session: 'honest', topics: { t: {} } }),
  ]
  for (let at = 1; at <= 30; at++) greedy.send(publish(at))
  await until(() => greedy.of('nack').length + greedy.of('ack').length === 30, 'answered')
  const nacks = greedy.of('nack')
  expect(nacks[0]).toEqual({ type: 'nack', id: '22', code: 'busy', message: expect.any(String), retryAfter: 300 })
  expect(nacks.map(({ id }) => Number(id))).toEqual([22, 23, 24, 25, 26, 27, 28, 29, 30])
  honest.send(publish(1))
  expect(await honest.next('ack')).toMatchObject({ offset: 22 })
  greedy.send({ type: 'subscribe', id: 's', topics: { a: {} } })
  expect(await greedy.next('error')).toEqual({
    type: 'error',
    code: 'busy',
    message: expect.any(String),
    topic: 'a',
    id: 's',
    retryAfter: expect.any(Number),
  })
  await clock.advance(300)
  greedy.send(publish('later'))
  await until(() => greedy.of('ack').some(({ id }) => id === 'later'), 'applied')
  greedy.send({ type: 'ping' })
  await greedy.next('pong')
  expect(events.filter((type) => type === 'leg-over-rate')).toHaveLength(1)
  expect(server.stats().failed).toEqual({})
})

test('a repeat over the rate is delayed and then answered, never refused: it may have been applied', async () => {
  const clock = createSimulatedClock()
  const server = await liveServer({ clock, limits: { messagesPerSecond: 10, messageBurst: 5 } })
  const [old, fresh] = [await server.join({ session: 's', leg: 1 }), await server.join({ session: 's', leg: 2 })]
  for (let at = 1; at <= 5; at++) old.send(publish(at))
  await until(() => old.of('ack').length === 5, 'applied')
  for (let at = 1; at <= 5; at++) fresh.send(publish(at, { age: 100 }))
  await until(() => fresh.of('ack').length === 1, 'the one for which there was room')
  for (let at = 0; at < 10; at++) {
    await clock.advance(100)
    await fresh.settle()
  }
  await until(() => fresh.of('ack').length === 5, 'all')
  expect(fresh.of('ack').map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5])
  expect(fresh.of('nack')).toEqual([])
})

test('a session that goes on far over its rate loses its leg as busy, and no other session does', async () => {
  const clock = createSimulatedClock()
  const server = await liveServer({ clock, limits: { messagesPerSecond: 10, messageBurst: 20 } })
  const [flood, honest] = [await server.join({ session: 'flood' }), await server.join({ session: 'honest' })]
  for (let at = 0; at < 100; at++) flood.send({ type: 'ping' })
  expect(await flood.next('error')).toMatchObject({ code: 'busy', retryAfter: 5_000 })
  expect(await flood.closed).toMatchObject({ code: 1013 })
  expect(flood.of('pong').length).toBeLessThan(50)
  await honest.settle()
})
