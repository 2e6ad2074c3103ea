import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { News } from '../../../src/server/log/news.js'
import type { RedisLog } from '../../../src/server/redis/redis-log.js'
import { ALL, append, follow, here, range, redisWith, until } from './redis-kit.js'

/** The line of docs/operators.md that an operator copies. */
const LINE = /^ACL SETUSER (\S+) on >(\S+) (.*)$/m.exec(readFileSync('docs/operators.md', 'utf8'))!
const RULES = LINE[3]!.split(' ')
/** The commands that the scripts use, without those that set up the connection. */
const OF_SCRIPTS = RULES.filter(
  (rule) => rule.startsWith('+') && !/^\+(auth|hello|ping|client|cluster|script|evalsha|xread$|info|config)/.test(rule),
).map((rule) => rule.slice(1))

const SIGNAL: News = { type: 'signal', id: 'i', topic: 't', data: '1' }
const ORDER: News = { type: 'end', match: { subject: 'ann' }, reason: 'Signed out.' }
const present =
  (...sessions: string[]) =>
  () => ({
    set: sessions.map((session) => ({ session, row: `["${session}"]` })),
    gone: [],
  })
const absent = (session: string) => () => ({ set: [], gone: [{ session, ids: `["${session}"]` }] })

async function redisWithUser() {
  const made = await redisWith({ more: ['--enable-debug-command', 'yes'] })
  await made.redis.command('ACL', 'SETUSER', 'app', 'on', '>secret', ...RULES)
  return {
    ...made,
    openAs: (more = {}) =>
      made.open({ url: made.redis.url.replace('//', '//app:secret@'), ...more }, undefined, { lease: 3_000_000 }),
  }
}

test('the ACL of the docs allows all commands that a log sends', async () => {
  const { redis, openAs, errors } = await redisWithUser()
  const logs = [
    openAs({ history: { maxMessages: 3 }, maxTopics: 2, dedupe: { maxIds: 4 } }),
    openAs({ history: { maxMessages: 3 }, maxTopics: 2, dedupe: { maxIds: 4 } }),
  ]
  const [log, other] = logs as [RedisLog, RedisLog]
  const tail = await follow(other)
  for (let at = 1; at <= 10; at++)
    await log.append({ topic: 't', data: `${at}`, origin: { session: 's', id: `${at}` } })
  for (const topic of ['u', 'v']) await append(log, '1', topic)
  await until(() => tail.offsets().length === 10, 'all are told of')
  await log.admit('s', 1)
  await log.admit('s', 2)
  await log.release('s', 1)
  await log.release('s', 2)
  await log.refuse({ session: 's', id: 'no' }, { type: 'nack', code: 'forbidden', message: 'no' })
  await log.once({ session: 's', id: 'once' }, async () => 1)
  await log.read('t', 0, ALL)
  const heard = vi.fn<(news: News) => void>()
  const [channel, others] = [log.news!(() => undefined), other.news!(heard)]
  await until(async () => {
    await channel.tell(SIGNAL)
    return heard.mock.calls.length > 0
  }, 'the other hears of it')
  await channel.tell(ORDER)
  await log.attendance!.change('t', 2, present('s', 'r'))
  await log.attendance!.change('t', 2, absent('r'))
  await other.attendance!.list('t')
  await other.attendance!.departed(0)
  for (const one of [channel, others]) one.leave()
  await redis.command('FLUSHALL')
  await until(() => tail.epochs().length === 1, 'the epoch is told of')
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 1 })
  expect(JSON.stringify(await redis.command('ACL', 'LOG')).replaceAll(/"client.setinfo"/g, '')).not.toContain('command')
  expect(errors).toEqual([])
})

describe.each(OF_SCRIPTS)('an ACL without %s', (command) => {
  test('refuses what needs the command without changing any data, and all goes on once it is allowed', async () => {
    const { redis, openAs } = await redisWithUser()
    const log = openAs({ history: { maxMessages: 5 }, maxTopics: 2, dedupe: { maxIds: 4 } })
    // The quietest topic, which makes room.
    await append(log, '1', 'a')
    for (let at = 1; at <= 5; at++)
      await log.append({ topic: 't', data: `${at}`, origin: { session: 's', id: `${at}` } })
    await log.admit('s', 1)
    // One of the sessions has no leg.
    await log.attendance!.change('t', 2, present('s', 'r'))
    const channel = log.news!(() => undefined)
    onTestFinished(() => channel.leave())
    await channel.tell(ORDER)
    const { epoch } = await log.head('t')
    const digest = () => redis.command('DEBUG', 'DIGEST')
    await redis.command('ACL', 'SETUSER', 'app', `-${command}`)
    const asked: (() => Promise<unknown>)[] = [
      () => log.append({ topic: 't', data: '6', origin: { session: 's', id: '6' } }),
      () => log.append({ topic: 't', data: '6', origin: { session: 's', id: '6', age: 10 } }),
      () => append(log, '1', 'v'),
      () => log.head('t'),
      () => log.read('t', 0, ALL),
      () => log.recall({ session: 's', id: '4', age: 5 }),
      () => log.refuse({ session: 's', id: '7' }, { type: 'nack', code: 'forbidden', message: 'no' }),
      () => log.admit('s', 2),
      () => log.admit('s2', 1),
      () => log.once({ session: 's', id: '9' }, async () => 1),
      () => channel.tell(SIGNAL),
      () => channel.tell(ORDER),
      () => log.attendance!.change('t', 2, present('s')),
      () => log.attendance!.change('t', 2, absent('r')),
      () => log.attendance!.list('t'),
      () => log.attendance!.departed(0),
    ]
    for (const ask of asked) {
      const before = await digest()
      const failed = await ask().then(
        () => null,
        (error: unknown) => error,
      )
      if (failed)
        expect([failed, await digest()]).toEqual([expect.objectContaining({ name: 'LiveSocketError' }), before])
    }
    await redis.command('ACL', 'SETUSER', 'app', `+${command}`)
    await here(log)
    const head = await log.head('t')
    expect(head.epoch).toBe(epoch)
    const { answer } = await log.append({ topic: 't', data: '"last"', origin: { session: 's', id: 'last' } })
    expect(answer).toEqual({ type: 'ack', offset: head.offset + 1 })
    const { entries } = await log.read('t', 0, ALL)
    expect(entries.map(({ offset }) => offset)).toEqual(range(head.offset - 3, head.offset + 1))
  })
})

test('an ACL that forbids a write for a moment: the publish is refused, and no history is lost', async () => {
  const { redis, openAs } = await redisWithUser()
  const log = openAs()
  for (let at = 1; at <= 20; at++) await append(log)
  await redis.command('ACL', 'SETUSER', 'app', '-xadd')
  await expect(append(log)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('XADD') })
  await redis.command('ACL', 'SETUSER', 'app', '+xadd')
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 21 })
  expect((await log.read('t', 0, ALL)).entries).toHaveLength(21)
})

test('scripts that are flushed are loaded again without EVAL, and the publishes of a session keep their order', async () => {
  const { redis, openAs } = await redisWithUser()
  const log = openAs()
  const asked: Promise<unknown>[] = []
  for (let at = 0; at < 400; at++) {
    asked.push(log.append({ topic: 't', data: `${at}`, origin: { session: 's', id: `${at}` } }))
    if (at % 100 === 50) asked.push(redis.command('SCRIPT', 'FLUSH'))
    if (at % 4 === 0) await new Promise<void>((resolve) => void setImmediate(resolve))
  }
  await Promise.all(asked)
  expect((await log.read('t', 0, ALL)).entries.map(({ data }) => Number(data))).toEqual(range(0, 399))
})
