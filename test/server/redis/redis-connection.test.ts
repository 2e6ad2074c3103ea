import { expect, onTestFinished, test } from 'vitest'
import { createLiveServer } from '../../../src/server/live-server.js'
import { append, follow, here, redisWith, until } from './redis-kit.js'

const passed = async (ms: number) => {
  const begun = performance.now()
  await until(() => performance.now() - begun > ms, 'time passes', ms + 5_000)
}

test('a Redis that cuts idle connections cuts none of a node that only publishes or does nothing', async () => {
  const { open, errors } = await redisWith({ more: ['--timeout', '2'] })
  const [busy, idle] = [open(), open()]
  const tail = await follow(idle)
  const begun = performance.now()
  while (performance.now() - begun < 5_000) {
    await append(busy)
    await passed(50)
  }
  await until(() => tail.offsets().length === busy.stats().appends, 'all are told of')
  expect([busy.stats().connections, idle.stats().connections]).toEqual([1, 1])
  expect(errors).toEqual([])
})

test('when the connection for reads is cut, publishes go on over theirs, and no message is missed', async () => {
  const { redis, open } = await redisWith()
  const log = open()
  const tail = await follow(log)
  await append(log)
  const readers = async () =>
    String(await redis.command('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => line.includes('cmd=xread'))
  await until(async () => (await readers()).length === 1, 'it reads')
  await redis.command('CLIENT', 'KILL', 'ID', /^id=(\d+)/.exec((await readers())[0]!)![1]!)
  const { answer } = await append(log)
  expect(answer).toEqual({ type: 'ack', offset: 2 })
  await append(open())
  await until(() => tail.offsets().length === 3, 'what others publish is told of')
  expect(log.stats().connections).toBe(1)
})

test('a process that stood still for longer than Redis may be silent keeps its connection', async () => {
  const { open, errors } = await redisWith()
  const log = open()
  await append(log)
  await follow(log)
  await passed(1_200)
  const asked = Array.from({ length: 20 }, () => append(log))
  await new Promise<void>((resolve) => void setImmediate(resolve))
  const begun = performance.now()
  while (performance.now() - begun < 6_000);
  asked.push(...Array.from({ length: 20 }, () => append(log)))
  expect(new Set((await Promise.all(asked)).map(({ answer }) => answer.type))).toEqual(new Set(['ack']))
  expect(log.stats().connections).toBe(1)
  expect(errors).toEqual([])
})

test.each(['allkeys-lru', 'allkeys-random', 'volatile-lru', 'volatile-ttl'])(
  'a Redis that may evict keys under %s is reported',
  async (policy) => {
    const { open, errors } = await redisWith({ more: ['--maxmemory', '50mb', '--maxmemory-policy', policy] })
    await append(open())
    expect(errors).toEqual([
      expect.objectContaining({
        code: 'invalid',
        message: expect.stringContaining(`maxmemory-policy is ${policy}, and should be noeviction`),
      }),
    ])
  },
)

test.each([
  ['noeviction', '50mb'],
  ['volatile-lru', '0'],
])('a Redis that evicts no keys (%s, maxmemory %s) is not reported', async (policy, maxmemory) => {
  const { open, errors } = await redisWith({ more: ['--maxmemory', maxmemory, '--maxmemory-policy', policy] })
  await append(open())
  expect(errors).toEqual([])
})

test('a server is not ready while Redis refuses its password, and is ready once the password is accepted', async () => {
  const { redis, open } = await redisWith()
  await redis.command('ACL', 'SETUSER', 'ada', 'on', '>right', '~*', '&*', '+@all')
  const log = open({ url: `redis://ada:wrong@127.0.0.1:${redis.port}` })
  const server = createLiveServer({
    port: 0,
    host: '127.0.0.1',
    log,
    authenticate: () => ({ subject: 'ada' }),
    onError: () => undefined,
  })
  onTestFinished(() => server.close())
  await server.ready
  const asked = async () => {
    const response = await fetch(`${server.address().replace('ws:', 'http:')}healthz`)
    return `${response.status} ${await response.text()}`
  }
  await until(
    async () => (await asked()) === '503 log away: Redis refuses the user name or the password',
    'it is said why',
  )
  await redis.command('ACL', 'SETUSER', 'ada', '>wrong')
  await here(log)
  expect(await asked()).toBe('200 ready')
})

test.each([
  ['has no memory left', ['maxmemory', '1'], ['maxmemory', '0'], 'Redis has no memory left'],
  [
    'wants more replicas than it has',
    ['min-replicas-to-write', '1'],
    ['min-replicas-to-write', '0'],
    'Redis has fewer replicas than it was told to write with',
  ],
])('the log is not ready while Redis answers but %s', async (_, broken, mended, reason) => {
  const { redis, open } = await redisWith()
  const log = open({}, undefined, { lease: 300 })
  await append(log)
  expect(log.status!()).toEqual({ ready: true })
  await redis.command('CONFIG', 'SET', ...broken)
  await until(() => !log.status!().ready, 'it is noticed')
  expect(log.status!()).toMatchObject({ reason, away: expect.any(Number) })
  await redis.command('CONFIG', 'SET', ...mended)
  await until(() => log.status!().ready, 'it takes something again')
})
