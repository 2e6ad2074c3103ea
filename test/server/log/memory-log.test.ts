import { expect, test } from 'vitest'
import { memoryLog } from '../../../src/server/index.js'
import { createSimulatedClock } from '../../../src/testing/simulated-clock.js'
import { attendanceContract } from './attendance-contract.js'
import { topicLogContract, type LogSettings, type LogUnderTest } from './topic-log-contract.js'

const make = async (settings: LogSettings = {}): Promise<LogUnderTest> => {
  const clock = createSimulatedClock()
  const log = memoryLog({ ...settings, clock })
  return { log, other: log, pass: (ms) => clock.advance(ms), lose: async () => log.forget(), close: () => log.close() }
}
topicLogContract('memoryLog', make)
attendanceContract('memoryLog', make)

test('all topics together are bounded in bytes: the largest topic drops its oldest message first', async () => {
  const log = memoryLog({ maxBytes: 1_100 })
  await log.append({ topic: 'quiet', data: '"12345678"' })
  for (let at = 0; at < 40; at++) await log.append({ topic: 'loud', data: '"12345678"' })
  // Each message costs 100 bytes in addition to its data.
  expect(log.size()).toMatchObject({ messages: 10, bytes: 100 })
  expect(await log.head('quiet')).toMatchObject({ offset: 1, oldest: 1 })
  expect(await log.head('loud')).toMatchObject({ offset: 40, oldest: 32 })
})

test('a client that floods many topics pushes out no message of clients that publish little', async () => {
  const log = memoryLog({ maxBytes: 4_000_000 })
  for (let at = 0; at < 50; at++) await log.append({ topic: `quiet ${at}`, data: JSON.stringify('x'.repeat(500)) })
  for (let at = 0; at < 2_000; at++)
    await log.append({
      topic: `flood ${at % 300}`,
      data: JSON.stringify('x'.repeat(20_000)),
      origin: { session: 's', id: `${at}` },
    })
  for (let at = 0; at < 50; at++) expect(await log.head(`quiet ${at}`)).toMatchObject({ offset: 1, oldest: 1 })
  expect(log.size().bytes).toBeLessThan(4_000_000)
})

test('drops messages past maxAge first and keeps those that a client may still resume from', async () => {
  const clock = createSimulatedClock()
  const log = memoryLog({ maxBytes: 4_000, history: { maxAge: 1_000 }, clock })
  for (let at = 0; at < 20; at++) await log.append({ topic: `old ${at}`, data: JSON.stringify('x'.repeat(50)) })
  await clock.advance(1_500)
  for (let at = 0; at < 20; at++) await log.append({ topic: 'fresh', data: JSON.stringify('x'.repeat(50)) })
  expect(await log.head('fresh')).toMatchObject({ offset: 20, oldest: 1 })
})

test('topics without readers are bounded in number: the one quiet for longest is evicted, and comes back with a new epoch', async () => {
  const log = memoryLog({ maxTopics: 1 })
  await log.append({ topic: 'read', data: '1' })
  const { stop } = await log.tail('read', () => undefined)
  await log.append({ topic: 'quiet', data: '1' })
  const before = await log.head('quiet')
  await log.append({ topic: 'new', data: '1' })
  expect(log.size()).toMatchObject({ topics: 2, unread: 1, evicted: 1 })
  expect(await log.head('read')).toMatchObject({ offset: 1 })
  const after = await log.head('quiet')
  expect(after.offset).toBe(0)
  expect(after.epoch).not.toBe(before.epoch)
  stop()
  expect(log.size()).toMatchObject({ unread: 1 })
})

test('a reader is never refused because of maxTopics, and a topic with a reader is never evicted', async () => {
  const log = memoryLog({ maxTopics: 10 })
  for (let at = 0; at < 100; at++) {
    await log.tail(`t${at}`, () => undefined)
    await log.append({ topic: `t${at}`, data: '1' })
  }
  for (let at = 0; at < 100; at++) expect(await log.head(`t${at}`)).toMatchObject({ offset: 1 })
  expect(log.size()).toMatchObject({ topics: 100, unread: 0, evicted: 0 })
})

test('a client that publishes into topic after topic evicts only topics of its own', async () => {
  const log = memoryLog({ maxTopics: 100 })
  await log.append({ topic: 'of the server', data: '1' })
  for (let at = 0; at < 30; at++)
    await log.append({ topic: `of ${at}`, data: '1', origin: { session: `${at}`, id: 'a' } })
  for (let at = 0; at < 1_000; at++)
    await log.append({ topic: `flood ${at}`, data: '1', origin: { session: 'flood', id: `${at}` } })
  for (const name of ['of the server', ...Array.from({ length: 30 }, (_, at) => `of ${at}`), 'flood 999'])
    expect(await log.head(name)).toMatchObject({ offset: 1 })
  expect(log.size()).toMatchObject({ topics: 100, unread: 100 })
})

test('where each client has made one topic, the one quiet for longest is evicted', async () => {
  const log = memoryLog({ maxTopics: 3 })
  for (const name of ['a', 'b', 'c', 'a', 'd'])
    await log.append({ topic: name, data: '1', origin: { session: name, id: `${Math.random()}` } })
  expect(await log.head('a')).toMatchObject({ offset: 2 })
  expect(await log.head('d')).toMatchObject({ offset: 1 })
  expect(await log.head('b')).toMatchObject({ offset: 0 })
})

test('a topic without messages can be evicted unnoticed: it keeps its epoch', async () => {
  const log = memoryLog({ maxTopics: 1 })
  const before = await log.head('a')
  for (let at = 0; at < 5; at++) await log.head(`b${at}`)
  expect(await log.head('a')).toEqual(before)
})

test('messages, answers and sessions stay within their limits under 20,000 appends', async () => {
  const clock = createSimulatedClock()
  const log = memoryLog({ history: { maxMessages: 3 }, dedupe: { maxIds: 100, window: 1_000 }, clock })
  for (let at = 0; at < 20_000; at++) {
    await log.append({ topic: `t${at % 7}`, data: '1', origin: { session: `s${at % 11}`, id: `${at}` } })
    await log.admit(`session ${at}`, 1)
    await log.release(`session ${at}`, 1)
  }
  // There are so many sessions that each gets its share of a million answers.
  const { ids, ...rest } = log.size()
  expect(rest).toEqual({ topics: 7, unread: 7, messages: 21, bytes: 21, evicted: 0, sessions: 0 })
  expect(ids).toBeLessThanOrEqual(11 * 50)
  expect(ids).toBeGreaterThan(11 * 48)
})

test('a session keeps its newest numbers of 10,000 topics; a repeat sent before its numbers were dropped is outcome-unknown', async () => {
  const clock = createSimulatedClock()
  const log = memoryLog({ dedupe: { maxIds: 1 }, maxTopics: 20_000, clock })
  await log.admit('s', 1)
  await clock.advance(1_000)
  const append = (topic: string, n: number, flight = 0) =>
    log.append({ topic, data: '1', origin: { session: 's', id: `${topic}/${n}`, place: { topic, n }, flight } })
  expect(await append('first', 1)).toMatchObject({ answer: { type: 'ack' } })
  await clock.advance(1_000)
  for (let at = 2; at <= 10_001; at++) await append(`t${at}`, at)
  expect(await append('first', 1, 1_500)).toMatchObject({ answer: { code: 'outcome-unknown' } })
  // A publish that can only have been sent later is accepted.
  await clock.advance(1_000)
  expect(await append('t2', 10_002, 500)).toMatchObject({ answer: { type: 'ack', offset: 2 } })
})

test.each([
  [{ history: { maxMessages: -1 } }, 'history.maxMessages'],
  [{ history: { maxAge: Number.NaN } }, 'history.maxAge'],
  [{ dedupe: { window: '1' as never } }, 'dedupe.window'],
  [{ dedupe: { maxIds: 0 } }, 'dedupe.maxIds'],
  [{ maxTopics: 0 }, 'maxTopics'],
])('an invalid limit is refused by name: %j', (options, name) => {
  expect(() => memoryLog(options)).toThrow(
    expect.objectContaining({ code: 'invalid', message: expect.stringContaining(name) }),
  )
})
