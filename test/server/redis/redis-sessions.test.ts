import { expect, test } from 'vitest'
import { createKeys } from '../../../src/server/redis/keys.js'
import type { RedisConnection } from '../../../src/server/redis/redis-connection.js'
import { RedisTime } from '../../../src/server/redis/redis-time.js'
import { SCRIPTS } from '../../../src/server/redis/scripts.js'
import { SessionLeases } from '../../../src/server/redis/session-leases.js'
import { createSimulatedClock } from '../../../src/testing/simulated-clock.js'
import { redisWith } from './redis-kit.js'

const BEGIN = 1_700_000_000_000

async function openAt() {
  const made = await redisWith()
  let now = BEGIN
  const log = made.open({}, () => now, { maxIdle: 10 })
  const sessions = async () =>
    ((await made.redis.command('KEYS', '*session:*')) as string[]).map((key) => key.slice(key.indexOf('=') + 1)).sort()
  const visit = async (session: string, leg = 1) => {
    const admission = await log.admit(session, leg, 'ada')
    await log.release(session, leg)
    return admission
  }
  return { ...made, log, sessions, visit, pass: (ms: number) => void (now += ms) }
}

test('sessions without a leg are bounded in number, and the one idle for longest is dropped first', async () => {
  const { redis, visit, sessions, pass } = await openAt()
  for (let at = 0; at < 40; at++) {
    await visit(`s${at}`)
    pass(1)
  }
  expect(await sessions()).toEqual(Array.from({ length: 10 }, (_, at) => `s${30 + at}`))
  expect(await redis.command('ZCARD', '{livesocket}:idle')).toBe(10)
})

test('a session with a leg is never dropped for idle ones, and keeps its owner', async () => {
  const { log, visit, pass } = await openAt()
  await visit('kept')
  await log.admit('kept', 2, 'ada')
  for (let at = 0; at < 40; at++) {
    await visit(`s${at}`)
    pass(1)
  }
  expect(await log.admit('kept', 3, 'mallory')).toEqual({ outcome: 'forbidden' })
  expect(await log.admit('kept', 3, 'ada')).toEqual({ outcome: 'admitted', first: false })
})

test('a session that comes back in time is known, with its newest leg', async () => {
  const { log, visit, pass } = await openAt()
  await visit('s', 7)
  pass(9 * 60_000)
  expect(await log.admit('s', 7, 'ada')).toEqual({ outcome: 'superseded' })
  expect(await log.admit('s', 8, 'mallory')).toEqual({ outcome: 'forbidden' })
  expect(await visit('s', 8)).toEqual({ outcome: 'admitted', first: true })
})

test('a session that has been idle for ten minutes is dropped without a trace', async () => {
  const { redis, visit, sessions, pass } = await openAt()
  await visit('old')
  pass(10 * 60_000 + 1)
  await visit('new')
  expect(await sessions()).toEqual(['new'])
  expect(await redis.command('ZRANGE', '{livesocket}:idle', '0', '-1')).toEqual(['=new'])
})

test('sessions that Redis has lost are written again until it accepts them', async () => {
  const clock = createSimulatedClock()
  let begun = '1'
  let refuses = false
  const told: number[] = []
  const connection = {
    here: true,
    time: new RedisTime(clock),
    knows: () => undefined,
    async run(script, ask) {
      if (script === SCRIPTS.admit) return ['admitted', 'first']
      if (script !== SCRIPTS.renew) return ['ok']
      const sessions = ask('epoch').keys.length - 4
      if (sessions > 0 && refuses) throw new Error('OOM')
      told.push(sessions)
      return ['ok', 'in time', '0', '', '0', begun]
    },
  } as Partial<RedisConnection> as RedisConnection
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const leases = new SessionLeases({
    ...{ connection, keys: createKeys('p'), node: 'n', clock, lease: 15_000, idle: 600_000, onError },
  })
  await leases.admit('s', 1, undefined)
  await clock.advance(10_000)
  refuses = true
  begun = '2'
  await clock.advance(5_000)
  expect(errors).toHaveLength(1)
  refuses = false
  told.length = 0
  await clock.advance(5_000)
  expect(told).toEqual([0, 1])
  await leases.close()
})
