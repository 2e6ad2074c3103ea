import { expect, test } from 'vitest'
import { memoryLog } from '../../src/server/index.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { topicLogContract } from './topic-log-contract.js'

topicLogContract('memoryLog', async (settings) => {
  const clock = createSimulatedClock()
  const log = memoryLog({ ...settings, clock })
  return { log, other: log, pass: (ms) => clock.advance(ms), lose: async () => log.forget(), close: () => log.close() }
})

test('all topics together are bounded in bytes: the oldest message of all goes first', async () => {
  const log = memoryLog({ maxBytes: 50 })
  for (let at = 0; at < 20; at++) await log.append({ topic: `t${at % 2}`, data: '"12345678"' })
  expect(log.size()).toMatchObject({ messages: 5, bytes: 50 })
  expect(await log.head('t0')).toMatchObject({ offset: 10, oldest: 9 })
  expect(await log.head('t1')).toMatchObject({ offset: 10, oldest: 8 })
})

test('topics are bounded in number: the quietest that nobody reads makes room, and its numbers are never used again', async () => {
  const log = memoryLog({ maxTopics: 2 })
  await log.append({ topic: 'read', data: '1' })
  const { stop } = await log.tail('read', () => undefined)
  await log.append({ topic: 'quiet', data: '1' })
  const before = await log.head('quiet')
  await log.append({ topic: 'new', data: '1' })
  expect(await log.head('read')).toMatchObject({ offset: 1 })
  const after = await log.head('quiet')
  expect(after.offset).toBe(0)
  expect(after.epoch).not.toBe(before.epoch)
  const { stop: stopToo } = await log.tail('quiet', () => undefined)
  await expect(log.append({ topic: 'one more', data: '1' })).rejects.toMatchObject({ code: 'refused' })
  stop()
  stopToo()
  await log.append({ topic: 'one more', data: '1' })
})

test('a topic that nothing was published to may be forgotten without anybody noticing', async () => {
  const log = memoryLog({ maxTopics: 1 })
  const before = await log.head('a')
  await log.head('b')
  expect(await log.head('a')).toEqual(before)
})

test('what it holds stays within its limits, whatever comes', async () => {
  const clock = createSimulatedClock()
  const log = memoryLog({ history: { maxMessages: 3 }, dedupe: { maxIds: 100, window: 1_000 }, clock })
  for (let at = 0; at < 20_000; at++) {
    await log.append({ topic: `t${at % 7}`, data: '1', origin: { session: `s${at % 11}`, id: `${at}` } })
    await log.admit(`session ${at}`, 1)
    await log.release(`session ${at}`, 1)
  }
  expect(log.size()).toEqual({ topics: 7, messages: 21, bytes: 21, ids: 100, sessions: 0 })
})

test.each([
  [{ history: { maxMessages: -1 } }, 'history.maxMessages'],
  [{ history: { maxAge: Number.NaN } }, 'history.maxAge'],
  [{ dedupe: { window: '1' as never } }, 'dedupe.window'],
  [{ dedupe: { maxIds: 0 } }, 'dedupe.maxIds'],
  [{ maxTopics: 0 }, 'maxTopics'],
])('a limit that makes no sense is refused by its name: %j', (options, name) => {
  expect(() => memoryLog(options)).toThrow(expect.objectContaining({ code: 'invalid', message: expect.stringContaining(name) }))
})
