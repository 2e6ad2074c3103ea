import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock, type Clock } from '../../../src/base/clock.js'
import type { RedisLogOptions } from '../../../src/server/redis/redis-log.js'
import { createRelay } from '../../kit/relay.js'
import { sleep } from '../../kit/wait.js'
import { OUTCOME_UNKNOWN } from '../../../src/server/log/topic-log.js'
import { lateFirstCopy } from '../log/late-copies.js'
import { append, here, redisWith, until } from './redis-kit.js'

test('an acknowledged publish whose first copy arrives late at another node is not applied again, even after its answer has expired', async () => {
  const { open } = await redisWith()
  await lateFirstCopy(() => open({ dedupe: { maxIds: 1 } }))
}, 20_000)

test('a repeat whose answer was dropped gets outcome-unknown, not a refusal, even when it is slow to reach Redis', async () => {
  const { redis, open } = await redisWith()
  const relay = createRelay({ target: { port: redis.port } })
  await relay.ready
  onTestFinished(() => relay.close())
  const log = open({ url: `redis://127.0.0.1:${relay.port}`, dedupe: { maxIds: 2 } })
  await here(log)
  const origin = (n: number) => ({ session: 's', id: `id ${n}`, place: { topic: 't', n }, flight: 0 })
  await log.admit('s', 1, 'somebody')
  const began = performance.now()
  for (const n of [1, 2, 3])
    expect((await log.append({ topic: 't', data: `${n}`, origin: origin(n) })).answer).toMatchObject({ type: 'ack' })
  // The answer to the first publish is forgotten. Its publisher never got it, and sends the publish again.
  await sleep(100)
  for (const connection of relay.connections()) connection.setDelay(600)
  const age = performance.now() - began
  const repeat = await log.append({ topic: 't', data: '1', origin: { ...origin(1), age } })
  expect(repeat).toMatchObject({ repeat: true, answer: OUTCOME_UNKNOWN })
}, 20_000)

test('a publish that was never applied and is sent again right after the connection to Redis broke counts as new', async () => {
  const { redis, open } = await redisWith()
  const log = open({ dedupe: { maxIds: 2 } })
  await log.admit('s', 1, 'somebody')
  for (const id of ['1', '2', '3']) await log.append({ topic: 't', data: id, origin: { session: 's', id } })
  await sleep(50)
  await redis.command('CLIENT', 'KILL', 'TYPE', 'normal')
  // Before any other command that is sent to Redis then is answered.
  while (log.stats().connections < 2) await new Promise<void>((resolve) => void setImmediate(resolve))
  expect(await log.recall({ session: 's', id: '4', age: 10 })).toBeNull()
}, 20_000)

test('after a jump of the clock of Redis that expires all records, no node applies a repeat from before it', async () => {
  const { redis, open } = await redisWith()
  let ahead = 0
  const time = () => Math.floor(1_700_000_000_000 + ahead + performance.now())
  const [one, two] = [open({}, time), open({}, time)]
  await one.admit('s', 1)
  const publish = { topic: 't', data: '1', origin: { session: 's', id: 'p', place: { topic: 't', n: 1 } } }
  expect((await one.append(publish)).repeat).toBe(false)
  ahead = 3_600_000
  for (const key of (await redis.command('KEYS', '*=s')) as string[]) await redis.command('DEL', key)
  for (const log of [one, two]) await append(log, '2', 'other')
  const repeat = await two.append({ ...publish, origin: { ...publish.origin, age: 5_000 } })
  expect(repeat.answer).toMatchObject({ code: 'outcome-unknown' })
  // Whatever was first sent since then is applied.
  await two.admit('u', 1)
  const fresh = { ...publish, origin: { ...publish.origin, session: 'u' } }
  expect((await two.append(fresh)).answer).toMatchObject({ type: 'ack' })
})

describe('after a jump of the clock of Redis', () => {
  const MINUTE = 60_000
  const publish = (n: number, session = 's') => ({
    topic: 't',
    data: `${n}`,
    origin: { session, id: `p${n}`, place: { topic: 't', n } },
  })
  const again = (n: number, age: number) => ({ ...publish(n), origin: { ...publish(n).origin, age } })
  async function leap(options: RedisLogOptions = {}) {
    const { redis, open } = await redisWith()
    let ahead = 0
    const log = open(options, () => Math.floor(1_700_000_000_000 + ahead + performance.now()))
    await log.admit('s', 1)
    return {
      log,
      redis,
      async leaps(by: number, ...lost: string[]) {
        for (const name of lost)
          for (const key of (await redis.command('KEYS', `*${name}:*=s`)) as string[]) await redis.command('DEL', key)
        ahead += by
        await append(log, 'since', 'other')
      },
    }
  }

  test('that expired the record of a session but not the session, its repeat is not applied', async () => {
    const { log, leaps } = await leap()
    await log.append(publish(1))
    await leaps(8 * MINUTE, 'record')
    expect((await log.append(again(1, 4 * MINUTE))).answer).toMatchObject({ code: 'outcome-unknown' })
  })

  test.each([4.5, 10.5])('of %s minutes, an answer that is still on record is found', async (minutes) => {
    const { log, leaps } = await leap({ dedupe: { window: 4 * MINUTE } })
    const { answer } = await log.append(publish(1))
    await leaps(minutes * MINUTE)
    expect(await log.append(again(1, 5_000))).toEqual({ answer, repeat: true })
  })

  test('a repeat whose answer was dropped gets outcome-unknown, not a refusal', async () => {
    const { log, leaps } = await leap({ dedupe: { maxIds: 1 } })
    await log.append(publish(1))
    await log.append(publish(2))
    await leaps(6 * MINUTE)
    expect((await log.append(again(1, MINUTE))).answer).toMatchObject({ code: 'outcome-unknown' })
  })
})

test('a publish that was first tried while Redis was away is applied when it is back, 15 minutes later', async () => {
  const { redis, open } = await redisWith({ persistence: 'always' })
  let passed = 0
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + passed }
  const time = () => Math.floor(1_700_000_000_000 + passed + performance.now())
  const [log, other] = [open({ clock }, time), open({ clock }, time)]
  const again = (id: string) => ({
    topic: 't',
    data: '1',
    origin: { session: 's', id, place: { topic: 't', n: Number(id) }, age: 60_000, flight: 0 },
  })
  async function away(breaks: () => Promise<unknown>) {
    for (const one of [log, other]) await append(one, '1', 'other')
    for (const name of ['session', 'record'])
      for (const key of (await redis.command('KEYS', `*${name}:*=s`)) as string[]) await redis.command('DEL', key)
    passed += 15 * 60_000
    const before = [log, other].map((one) => one.stats().connections)
    await breaks()
    await until(() => [log, other].every((one, at) => one.stats().connections > before[at]!), 'Redis is back')
  }
  await log.admit('s', 1)
  await away(() => redis.command('CLIENT', 'KILL', 'TYPE', 'normal'))
  expect((await log.append(again('1'))).answer).toMatchObject({ type: 'ack' })
  await away(async () => {
    await redis.kill()
    await redis.start()
  })
  expect((await log.append(again('2'))).answer).toMatchObject({ type: 'ack' })
})
