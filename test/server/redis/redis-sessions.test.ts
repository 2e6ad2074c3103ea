import { expect, test } from 'vitest'
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

test('of sessions without a leg no more are kept than the bound, and the longest idle goes first', async () => {
  const { redis, visit, sessions, pass } = await openAt()
  for (let at = 0; at < 40; at++) {
    await visit(`s${at}`)
    pass(1)
  }
  expect(await sessions()).toEqual(Array.from({ length: 10 }, (_, at) => `s${30 + at}`))
  expect(await redis.command('ZCARD', '{livesocket}:idle')).toBe(10)
})

test('a session that has a leg is never forgotten for those that have none, and whose it is stays known', async () => {
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

test('one that has been idle for ten minutes is forgotten, and nothing of it is left', async () => {
  const { redis, visit, sessions, pass } = await openAt()
  await visit('old')
  pass(10 * 60_000 + 1)
  await visit('new')
  expect(await sessions()).toEqual(['new'])
  expect(await redis.command('ZRANGE', '{livesocket}:idle', '0', '-1')).toEqual(['=new'])
})
