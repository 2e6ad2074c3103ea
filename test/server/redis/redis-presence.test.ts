import { describe, expect, test } from 'vitest'
import { systemClock, type Clock } from '../../../src/base/clock.js'
import type { RedisLog } from '../../../src/server/redis/redis-log.js'
import type { PresenceChange } from '../../../src/server/log/topic-log.js'
import { stoppable } from '../../kit/stoppable-clock.js'
import { append, here, redisWith, until } from './redis-kit.js'

const LEASE = 300

function presenceOf(...logs: RedisLog[]) {
  const changes: PresenceChange[] = []
  for (const log of logs) log.presence!((change) => (changes.push(change), true))
  return changes
}

const passed = (ms: number) => {
  const from = performance.now()
  return until(() => performance.now() - from > ms, 'time passes')
}

test('when a node dies, another one reports each of its sessions as left, once, except those on other nodes', async () => {
  const { redis, open } = await redisWith()
  const { clock, stop } = stoppable()
  const dead = open({ clock }, undefined, { lease: LEASE })
  const [one, two] = [open({}, undefined, { lease: LEASE }), open({}, undefined, { lease: LEASE })]
  const changes = presenceOf(one, two)
  for (let at = 0; at < 250; at++) await dead.admit(`session ${at}`, 1, at % 2 ? `user ${at}` : undefined)
  await dead.admit('moved', 1)
  await one.admit('moved', 2)
  stop()
  // The dead node's lease is removed once it has no legs left.
  await until(async () => (await redis.command('HLEN', '{livesocket}:nodes')) === 2, 'it is found out')
  await until(() => changes.length >= 250, 'all are told of')
  await passed(LEASE)
  const told = new Map(changes.map((change) => [change.session, change]))
  expect(changes).toHaveLength(250)
  expect(told.get('session 7')).toEqual({ type: 'left', session: 'session 7', subject: 'user 7' })
  expect(told.get('session 8')).toEqual({ type: 'left', session: 'session 8' })
  expect(told.has('moved')).toBe(false)
  expect(await two.admit('session 7', 2, 'user 7')).toEqual({ outcome: 'admitted', first: true })
  expect(await two.admit('moved', 3)).toEqual({ outcome: 'admitted', first: false })
})

test('a session that comes back before its departure was reported has never left', async () => {
  const { open } = await redisWith()
  let now = 1_700_000_000_000
  const [dead, alive] = [open({}, () => now), open({}, () => now)]
  await Promise.all([dead, alive].map(here))
  await dead.admit('s', 1)
  for (let at = 1; at <= 4; at++) {
    now += 5_000
    await alive.admit('other', at)
  }
  expect(await alive.admit('s', 2)).toEqual({ outcome: 'admitted', first: false })
  expect(await alive.release('s', 2)).toEqual({ last: true })
  expect(await alive.admit('s', 3)).toEqual({ outcome: 'admitted', first: true })
})

test('a node that was wrongly taken for dead reports its sessions as joined again', async () => {
  const { open } = await redisWith()
  const { clock, stop, go } = stoppable()
  const frozen = open({ clock }, undefined, { lease: LEASE })
  const other = open({}, undefined, { lease: LEASE })
  const [mine, theirs] = [presenceOf(frozen), presenceOf(other)]
  await frozen.admit('s', 1, 'ann')
  stop()
  await until(() => theirs.length > 0, 'it is taken for dead')
  expect(theirs).toEqual([{ type: 'left', session: 's', subject: 'ann' }])
  go()
  await until(() => mine.length > 0, 'it is back')
  expect(mine).toEqual([{ type: 'joined', session: 's' }])
  expect(await frozen.release('s', 1)).toEqual({ last: true })
  expect(theirs).toHaveLength(1)
})

test('no session is reported as left when Redis was away for longer than any lease', async () => {
  const { redis, open } = await redisWith({ persistence: 'always' })
  const logs = [open({}, undefined, { lease: LEASE }), open({}, undefined, { lease: LEASE })]
  const changes = presenceOf(...logs)
  await logs[0]!.admit('s', 1)
  await logs[1]!.admit('t', 1)
  await redis.kill()
  await passed(3 * LEASE)
  await redis.start()
  await until(() => logs.some((log) => log.stats().here), 'one of them is back')
  const first = logs.findIndex((log) => log.stats().here)
  expect(await logs[first]!.admit(first === 0 ? 't' : 's', 2)).toEqual({ outcome: 'admitted', first: false })
  await Promise.all(logs.map(here))
  await passed(3 * LEASE)
  expect(changes).toEqual([])
})

const HOUR = 3_600_000

test.each([
  ['was an hour ahead and is set right', HOUR, 0],
  ['jumps an hour ahead', 0, HOUR],
])('where the clock of Redis %s, only sessions of a dead node are reported as left', async (_, before, after) => {
  const { open } = await redisWith()
  let ahead = before
  const time = () => Math.floor(1_700_000_000_000 + ahead + performance.now())
  const { clock, stop } = stoppable()
  const dead = open({ clock }, time, { lease: LEASE })
  const alive = open({}, time, { lease: LEASE })
  const changes = presenceOf(alive)
  await dead.admit('of the dead', 1)
  await alive.admit('of the living', 1)
  await passed(LEASE)
  expect(changes).toEqual([])
  stop()
  ahead = after
  await until(() => changes.length > 0, 'it is told')
  await passed(2 * LEASE)
  expect(changes).toEqual([{ type: 'left', session: 'of the dead' }])
})

test('a release and an admission whose answers from Redis were lost leave no leg behind', async () => {
  const { redis, open } = await redisWith()
  const [log, other] = [open(), open()]
  await log.admit('s', 1)
  redis.freeze()
  const released = log.release('s', 1)
  const admitted = log.admit('t', 1).catch((error: unknown) => error)
  expect(await admitted).toMatchObject({ code: 'outcome-unknown' })
  redis.thaw()
  expect(await released).toEqual({ last: true })
  await here(other)
  await until(
    async () =>
      (await redis.command(
        'SCARD',
        `{livesocket}:legs:${((await redis.command('HKEYS', '{livesocket}:nodes')) as string[])[0]}`,
      )) === 0,
    'nothing is left of either',
  )
  expect(await other.admit('t', 2)).toMatchObject({ outcome: 'admitted' })
  expect(await other.release('t', 2)).toEqual({ last: true })
}, 20_000)

test('a leg that left while Redis was away is released when it is back, 20 seconds later', async () => {
  const { redis, open } = await redisWith({ persistence: 'always' })
  const clock: Clock = { ...systemClock, setTimeout: (task, delay) => systemClock.setTimeout(task, delay / 20) }
  const log = open({ clock }, undefined, { lease: 20 * LEASE })
  await log.admit('s', 1)
  await redis.kill()
  await until(() => !log.stats().here, 'it is noticed')
  const released = log.release('s', 1)
  released.catch(() => undefined)
  // On that clock it is twenty seconds.
  await passed(1_000)
  await redis.start()
  expect(await released).toEqual({ last: true })
})

test('topics of an older epoch do not count against the number of topics that a member may be in', async () => {
  const { redis, open } = await redisWith({ persistence: 'everysec' })
  const log = open({ durable: false })
  const enter = (topic: string) =>
    log.attendance!.change(topic, 2, () => ({ set: [{ session: 's', row: '["s"]' }], gone: [] }))
  await log.admit('s', 1)
  for (const topic of ['a', 'b']) await enter(topic)
  expect((await enter('c')).refused.size).toBe(1)
  const { epoch } = await log.head('a')
  await redis.command('CONFIG', 'SET', 'appendfsync', 'always')
  await redis.kill()
  await redis.start()
  await here(log)
  expect((await log.head('a')).epoch).not.toBe(epoch)
  for (const topic of ['b', 'c']) expect((await enter(topic)).refused.size).toBe(0)
  expect((await enter('a')).refused.size).toBe(1)
})

test('Redis keeps no keys of an older epoch, and no members of an evicted topic', async () => {
  const { redis, open } = await redisWith({ persistence: 'everysec' })
  const log = open({ durable: false, maxTopics: 2 })
  const change = (topic: string, set: string[], gone: string[] = []) =>
    log.attendance!.change(topic, 10, () => ({
      set: set.map((session) => ({ session, row: `["${session}"]` })),
      gone: gone.map((session) => ({ session, ids: `["${session}"]` })),
    }))
  await log.admit('s', 1)
  for (const topic of ['a', 'b', 'c', 'd']) await change(topic, ['s', 't'])
  await change('d', [], ['s', 't'])
  const { epoch } = await log.head('a')
  const root = epoch.split('.')[0]!
  const kept = async () => ((await redis.command('KEYS', `*${root}*`)) as string[]).map((key) => key.replace(root, 'E'))
  expect((await kept()).filter((key) => key.includes(':attending:'))).toHaveLength(3)
  await redis.command('CONFIG', 'SET', 'appendfsync', 'always')
  await redis.kill()
  await redis.start()
  await here(log)
  expect((await log.head('a')).epoch).not.toBe(epoch)
  expect(await kept()).toEqual([])
})

describe('after a jump of the clock of Redis that expires connected sessions', () => {
  const HOUR = 3_600_000
  const enter = (log: RedisLog) =>
    log.attendance!.change('t', 10, () => ({ set: [{ session: 's', row: '["s"]' }], gone: [] }))
  async function leap(grace: number) {
    const { redis, open } = await redisWith()
    let ahead = 0
    const time = () => Math.floor(1_700_000_000_000 + ahead + performance.now())
    const { clock, stop } = stoppable()
    const [one, other] = [open({ clock }, time, { lease: LEASE }), open({}, time, { lease: LEASE })]
    await one.admit('s', 1, 'ann')
    await enter(one)
    return {
      one,
      other,
      stop,
      here: async () => (await redis.command('EXISTS', '{livesocket}:session:=s')) === 1,
      async leaps() {
        await redis.command('DEL', '{livesocket}:session:=s')
        ahead += HOUR
      },
      departs: () =>
        until(async () => (await other.attendance!.departed(grace)).some(({ session }) => session === 's'), 'departed'),
    }
  }

  test('a session that leaves at once still departs', async () => {
    const { one, leaps, departs } = await leap(0)
    await leaps()
    await one.release('s', 1)
    await departs()
  })

  test('a session whose server dies still departs', async () => {
    const { other, stop, leaps, departs } = await leap(0)
    presenceOf(other)
    stop()
    await leaps()
    await departs()
  })

  test('a session is known again within a lease, with its newest leg', async () => {
    const { one, other, here, leaps } = await leap(0)
    await passed(LEASE)
    await leaps()
    await append(other)
    await until(here, 'it is told of again', 5 * LEASE)
    expect(await other.admit('s', 1, 'ann')).toEqual({ outcome: 'superseded' })
    expect(await one.admit('s', 2, 'ann')).toEqual({ outcome: 'admitted', first: false })
  })
})
