import * as redis6 from 'redis'
import * as redis4 from 'redis4'
import * as redis5 from 'redis5'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { News } from '../../../src/server/log/news.js'
import type { RedisLog, RedisLogOptions } from '../../../src/server/redis/redis-log.js'
import type { RedisTemplate } from '../../../src/server/redis/redis-source.js'
import { append, follow, here, redisWith, until } from './redis-kit.js'

/** The clients' types have nothing in common. */
interface Redis {
  readonly createClient: (options: object) => RedisTemplate
  readonly RESP_TYPES?: typeof redis6.RESP_TYPES
}

const VERSIONS: readonly (readonly [string, Redis])[] = [
  ['6', redis6 as unknown as Redis],
  ['5', redis5 as unknown as Redis],
  ['4', redis4 as unknown as Redis],
]

afterEach(() => {
  vi.doUnmock('redis')
  vi.resetModules()
})

/** The log with the installed version of that package. */
async function logOf(redis: object, options: RedisLogOptions): Promise<{ log: RedisLog; errors: unknown[] }> {
  vi.resetModules()
  vi.doMock('redis', () => ({ ...redis }))
  const { redisLog } = await import('../../../src/server/redis/redis-log.js')
  const errors: unknown[] = []
  const log = redisLog({ onError: (error) => void errors.push(error), ...options })
  onTestFinished(() => log.close())
  return { log, errors }
}

describe.each(VERSIONS)('with version %s of the package redis', (_, redis) => {
  test.each([
    ['a url', (url: string): RedisLogOptions => ({ url })],
    ['a client', (url: string): RedisLogOptions => ({ client: redis.createClient({ url }) })],
  ])(
    '%s is enough: messages are delivered, a killed Redis is noticed and found again, and close() leaves no connection',
    async (_, given) => {
      const { redis: server } = await redisWith({
        persistence: 'always',
        more: ['--user', 'ada', 'on', '>p#w', '~*', '&*', '+@all'],
      })
      const { log } = await logOf(redis, given(`redis://ada:${encodeURIComponent('p#w')}@127.0.0.1:${server.port}/2`))
      const tail = await follow(log)
      expect((await append(log)).answer).toEqual({ type: 'ack', offset: 1 })
      await server.kill()
      await until(() => !log.stats().here, 'it is noticed')
      await expect(append(log)).rejects.toMatchObject({ code: 'refused' })
      await server.start()
      await here(log)
      await append(log)
      await until(() => tail.offsets().length === 2, 'both are told of')
      await log.close()
      await until(
        async () =>
          String(await server.command('CLIENT', 'LIST'))
            .trim()
            .split('\n').length === 1,
        'no connection is left',
      )
    },
  )

  test('a wrong password is reported once, in plain words', async () => {
    const { redis: server } = await redisWith()
    await server.command('ACL', 'SETUSER', 'ada', 'on', '>right', '~*', '&*', '+@all')
    const { log, errors } = await logOf(redis, { url: `redis://ada:wrong@127.0.0.1:${server.port}` })
    await expect(append(log)).rejects.toMatchObject({ code: 'refused' })
    const begun = performance.now()
    await until(() => performance.now() - begun > 1_000, 'it was tried anew')
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining('Redis refuses the user name or the password') }),
    ])
    expect(log.status!()).toEqual({
      ready: false,
      reason: 'Redis refuses the user name or the password',
      away: Infinity,
    })
    await server.command('ACL', 'SETUSER', 'ada', '>wrong')
    await here(log)
    expect(log.status!()).toEqual({ ready: true })
  })

  test('a missing password is reported in plain words', async () => {
    const { redis: server } = await redisWith({ more: ['--requirepass', 'right'] })
    const { log } = await logOf(redis, { url: server.url })
    await expect(append(log)).rejects.toMatchObject({ code: 'refused' })
    expect(log.status!()).toMatchObject({ reason: 'Redis wants a password, and was given none' })
  })

  test('client options that change replies or queues do not affect the connections of the log', async () => {
    const { redis: server } = await redisWith()
    const mapped = redis.RESP_TYPES
      ? { typeMapping: { [redis.RESP_TYPES.BLOB_STRING]: Buffer, [redis.RESP_TYPES.SIMPLE_STRING]: Buffer } }
      : undefined
    const options = {
      url: server.url,
      commandOptions: mapped,
      commandsQueueMaxLength: 1,
      legacyMode: true,
      readonly: true,
      pingInterval: 1,
      RESP: 3,
    }
    const { log, errors } = await logOf(redis, { client: redis.createClient(options) })
    const tail = await follow(log)
    await Promise.all(Array.from({ length: 50 }, () => append(log)))
    await until(() => tail.offsets().length === 50, 'all are told of')
    // Presence, and what servers tell each other.
    await log.attendance!.change('t', 2, () => ({ set: [{ session: 's', row: '["ü"]' }], gone: [] }))
    expect(await log.attendance!.list('t')).toMatchObject({ offset: 51, rows: ['["ü"]'] })
    expect(await log.attendance!.departed(0)).toEqual([{ session: 's', topic: 't', row: '["ü"]' }])
    const told: News[] = []
    const channel = log.news!((news) => void told.push(news))
    const signal: News = { type: 'signal', id: 'i', topic: 't', data: '"ü"' }
    await until(async () => {
      await server.command('XADD', '{livesocket}:signals', '*', 'another', JSON.stringify([signal]))
      return told.length > 0
    }, 'it is told')
    expect(told[0]).toEqual(signal)
    channel.leave()
    await server.command('FLUSHALL')
    const { answer } = await log.append({ topic: 't', data: '1', origin: { session: 's', id: 'p' } })
    expect(answer).toEqual({ type: 'ack', offset: 1 })
    expect((await log.read('t', 0, { maxMessages: 9, maxBytes: 9 })).entries).toEqual([{ offset: 1, data: '1' }])
    expect(errors).toEqual([])
  })
})
