import { describe, expect, onTestFinished, test } from 'vitest'
import type { News } from '../../../src/server/log/news.js'
import type { RedisLog } from '../../../src/server/redis/redis-log.js'
import { liveServer } from '../kit.js'
import { here, redisWith, until } from './redis-kit.js'

const signal = (id: string): News => ({ type: 'signal', id, topic: 't', data: '1' })
const end = (reason: string): News => ({ type: 'end', match: { subject: 'ann' }, reason })

function listen(log: RedisLog) {
  const heard: News[] = []
  const channel = log.news!((news) => void heard.push(news))
  onTestFinished(() => channel.leave())
  return {
    log,
    ...channel,
    heard,
    ids: () => heard.map((news) => ('id' in news ? news.id : (news as { reason: string }).reason)),
  }
}

/** Resolves when both receive each other's news. */
async function joined(...channels: ReturnType<typeof listen>[]) {
  for (const { log } of channels) await here(log)
  for (const one of channels)
    for (const other of channels) {
      if (one === other) continue
      let n = 0
      await until(async () => {
        await one.tell(signal(`try ${++n}`))
        return other.heard.length > 0
      }, 'it is heard')
    }
  // The last news have arrived everywhere.
  for (const one of channels) await one.tell(signal('ready'))
  for (const one of channels)
    await until(() => one.ids().filter((id) => id === 'ready').length === channels.length - 1, 'all are there')
  for (const { heard } of channels) heard.length = 0
}

describe('news between servers through Redis', () => {
  test('reaches every other server once and in order, but not its sender and no server that joins later', async () => {
    const { redis, open, errors } = await redisWith()
    const [a, b, c] = [open(), open(), open()].map(listen) as [
      ReturnType<typeof listen>,
      ReturnType<typeof listen>,
      ReturnType<typeof listen>,
    ]
    await joined(a, b, c)
    const told = Array.from({ length: 300 }, (_, n) => `${n}`)
    await Promise.all(told.map((id) => a.tell(signal(id))))
    await Promise.all(['x', 'y'].map((reason) => a.tell(end(reason))))
    const of = (heard: string[], all: string[]) => heard.filter((id) => all.includes(id))
    for (const other of [b, c]) {
      await until(() => other.heard.length === 302, 'all has come')
      expect(of(other.ids(), told)).toEqual(told)
      expect(of(other.ids(), ['x', 'y'])).toEqual(['x', 'y'])
    }
    expect([a.heard, errors]).toEqual([[], []])
    const late = listen(open())
    await a
      .tell(signal('new'))
      .then(() => until(async () => (await a.tell(signal('new')), late.heard.length > 0), 'it hears'))
    expect(late.ids().every((id) => id === 'new')).toBe(true)
    for (const key of ['orders', 'signals'])
      expect(await redis.command('PTTL', `{livesocket}:${key}`)).toBeGreaterThan(0)
  })

  test('reaches a server that was cut off as soon as it is back, where it is an order such as a sign-out', async () => {
    const { redis, open } = await redisWith()
    const [a, b] = [open(), open()].map(listen) as [ReturnType<typeof listen>, ReturnType<typeof listen>]
    await joined(a, b)
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal')
    const told = (reason: string) =>
      a.tell(end(reason)).then(
        () => true,
        () => false,
      )
    await until(() => told('meanwhile'), 'Redis takes it')
    await until(() => b.ids().includes('meanwhile'), 'it is told')
    await until(
      async () => (await a.tell(signal('s')).catch(() => undefined), b.ids().includes('s')),
      'signals come again',
    )
  })

  test('reaches the others after the clock of Redis was set back and older news has expired', async () => {
    const { redis, open } = await redisWith()
    const HOUR = 3_600_000
    let ahead = HOUR
    const time = () => Date.now() + ahead
    const [a, b] = [open({}, time), open({}, time)].map(listen) as [
      ReturnType<typeof listen>,
      ReturnType<typeof listen>,
    ]
    await joined(a, b)
    await redis.command('XADD', '{livesocket}:orders', `${time()}-0`, 'another', JSON.stringify([end('before')]))
    await until(() => b.ids().includes('before'), 'it is told while the clock is ahead')
    await a.log.append({ topic: 't', data: '1' })
    ahead = 0
    await redis.command('DEL', '{livesocket}:orders', '{livesocket}:signals')
    await a.tell(end('since'))
    await a.tell(signal('typing'))
    await until(() => b.ids().includes('since') && b.ids().includes('typing'), 'it is told since', 3_000)
  })

  test('of another program or a newer server is skipped and reported, and valid news beside it still arrives', async () => {
    const { redis, open, errors } = await redisWith()
    const log = open()
    const server = await liveServer({
      log,
      authenticate: ({ token }: { token?: string | undefined }) => ({ subject: token! }),
    })
    const [ann, bob] = [await server.join({ token: 'ann' }), await server.join({ token: 'bob' })]
    await here(log)
    const told = (...news: unknown[]) =>
      redis.command('XADD', '{livesocket}:orders', '*', 'another', JSON.stringify(news.length > 1 ? news : news[0]))
    // Until it reads the stream.
    await until(async () => {
      await told(null)
      return errors.length > 0
    }, 'it is told of')
    await redis.command('XADD', '{livesocket}:orders', '*', 'another', 'garbage')
    await told(
      null,
      { type: 'of a newer server', match: { subject: 'ann' } },
      { type: 'end', match: {}, reason: 'Nobody.' },
      { type: 'offer', match: { subject: 'ann' }, token: 5 },
      { type: 'renew', match: { subject: 'ann' }, within: 'soon' },
      { type: 'end', match: { subject: 'ann' }, reason: 'Signed out.' },
    )
    await told({ type: 'end', match: { subject: 'bob' }, reason: 'Signed out.' }, null)
    for (const leg of [ann, bob])
      expect(await leg.next('error')).toMatchObject({ code: 'session-ended', message: 'Signed out.' })
    expect([ann.of('token'), server.errors]).toEqual([[], []])
  })

  test('is refused while Redis is away, a signal as well as an order', async () => {
    const { redis, open } = await redisWith()
    const log = open()
    const a = listen(log)
    await here(log)
    await redis.close()
    await until(() => !log.stats().here, 'Redis is away')
    await expect(a.tell(signal('s'))).rejects.toMatchObject({ code: 'refused' })
    await expect(a.tell(end('x'))).rejects.toMatchObject({ code: 'refused' })
  })
})

test('signals, sign-outs and tokens reach the legs on every server that shares a Redis', async () => {
  const { open } = await redisWith()
  const authenticate = ({ token }: { token?: string | undefined }) => ({
    subject: token ?? 'nobody',
    tokenTtl: 600_000,
  })
  const [a, b] = [await liveServer({ log: open(), authenticate }), await liveServer({ log: open(), authenticate })]
  const at = (server: typeof a, token: string) => server.join({ token, topics: { room: {} } })
  const [ann, bob, other] = [await at(a, 'ann'), await at(b, 'bob'), await at(b, 'ann')]
  let n = 0
  await until(async () => {
    ann.send({ type: 'signal', id: `${++n}`, topic: 'room', data: n })
    await ann.settle()
    return bob.of('signal').length > 0
  }, 'a signal arrives')
  expect(await a.renewTokens({ subject: 'ann' }, { within: 30_000 })).toBe(1)
  expect(await other.next('authed')).toMatchObject({ tokenTtl: 30_000 })
  expect(await a.offerTokens({ subject: 'ann' }, () => ({ token: 'fresh', tokenTtl: 9_000 }))).toBe(1)
  for (const leg of [ann, other]) expect(await leg.next('token')).toMatchObject({ token: 'fresh', tokenTtl: 9_000 })
  expect(await a.end({ subject: 'bob' }, 'Signed out.')).toBe(0)
  expect(await bob.next('error')).toMatchObject({ code: 'session-ended', message: 'Signed out.' })
  await other.settle()
  expect([other.of('error'), a.errors, b.errors]).toEqual([[], [], []])
})
