import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock, type Clock } from '../../../src/base/clock.js'
import { redisLog } from '../../../src/server/redis/redis-log.js'
import type { Answer } from '../../../src/server/log/topic-log.js'
import { TopicFeed } from '../../../src/server/topics/topic-feed.js'
import type { ReaderSink } from '../../../src/server/topics/topic-reader.js'
import { freePort } from '../../kit/free-port.js'
import { startRedisServer, type RedisServer } from '../../kit/redis-server.js'
import { ALL, append, follow, here, range, redisWith, until } from './redis-kit.js'

describe('a Redis that is restarted', () => {
  test('with all acknowledged data: the epoch stays, numbers go on, and no tail misses a message', async () => {
    const { redis, open } = await redisWith({ persistence: 'always' })
    const [log, other] = [open(), open()]
    const tail = await follow(other)
    for (let at = 0; at < 5; at++) await append(log)
    const before = await log.head('t')
    await redis.kill()
    await redis.start()
    await here(log)
    await append(log)
    await until(() => tail.offsets().length === 6, 'the sixth is told of')
    expect(tail.offsets()).toEqual(range(1, 6))
    expect(tail.epochs()).toEqual([])
    expect(await log.head('t')).toEqual({ ...before, offset: 6 })
  })

  test.each([
    ['without its data', 'no', 'nothing'],
    ['without the last second', 'everysec', 'less'],
  ] as const)('%s: each tail gets exactly one new epoch, and numbers start over', async (_, persistence, has) => {
    const { redis, open } = await redisWith({ persistence })
    const [log, other] = [open(), open()]
    const tails = [await follow(log), await follow(other), await follow(other, 'u')]
    for (let at = 0; at < 4; at++) await append(log)
    const before = await log.head('t')
    const less = has === 'less' ? await redis.backup() : 'lost'
    await append(log)
    await redis.kill()
    await redis.start(less)
    await here(log)
    expect((await append(log, '"new"')).answer).toEqual({ type: 'ack', offset: 1 })
    await append(log, '"new"', 'u')
    const { epoch } = await log.head('t')
    expect(epoch).not.toBe(before.epoch)
    for (const tail of tails) {
      await until(() => tail.epochs().length > 0 && tail.events.at(-1)!.type !== undefined, 'an epoch is told of')
    }
    await append(log, '"last"')
    await append(log, '"last"', 'u')
    for (const tail of tails)
      await until(
        () => tail.offsets().at(-1) === 2 || (tail.events.at(-1) as { head?: { offset: number } }).head?.offset === 2,
        'the last one is told of',
      )
    for (const tail of tails) expect(tail.epochs()).toHaveLength(1)
  })

  test('with durable: true keeps its epoch without waiting for other nodes', async () => {
    const { redis, open } = await redisWith({ persistence: 'everysec' })
    const log = open({ durable: true })
    await append(log)
    const { epoch } = await log.head('t')
    // A node that died together with Redis is still on the list.
    await redis.command('SADD', '{livesocket}:members', 'dead')
    // While the disk is busy, `everysec` may keep data in memory for up to two seconds. This test needs it on disk.
    await redis.command('CONFIG', 'SET', 'appendfsync', 'always')
    await redis.kill()
    await redis.start()
    await here(log)
    expect(await log.head('t')).toMatchObject({ epoch, offset: 1 })
  })

  test('or emptied while all are connected and nobody publishes: the tails still get the new epoch', async () => {
    const { redis, open } = await redisWith()
    const log = open()
    await append(log)
    const tail = await follow(log)
    await redis.command('FLUSHALL')
    await until(() => tail.epochs().length === 1, 'the epoch is told of')
    expect(tail.events).toEqual([{ type: 'epoch', head: { epoch: expect.any(String), offset: 0, oldest: 1 } }])
  })
})

describe('a Redis that is away', () => {
  test('makes the log refuse every call at once with a retryAfter, and accept calls again when it is back', async () => {
    const { redis, open } = await redisWith({ persistence: 'always' })
    const log = open()
    await append(log)
    await redis.kill()
    await until(() => !log.stats().here, 'it is noticed')
    const refused = { name: 'LiveSocketError', code: 'refused', retryAfter: expect.any(Number) }
    const origin = { session: 's', id: 'p' }
    const begun = performance.now()
    await expect(append(log)).rejects.toMatchObject(refused)
    await expect(log.append({ topic: 't', data: '1', origin })).rejects.toMatchObject(refused)
    await expect(log.once(origin, async () => 1)).rejects.toMatchObject(refused)
    await expect(log.recall(origin)).rejects.toMatchObject(refused)
    await expect(log.head('t')).rejects.toMatchObject(refused)
    await expect(log.read('t', 0, ALL)).rejects.toMatchObject(refused)
    await expect(log.tail('t', () => undefined)).rejects.toMatchObject(refused)
    await expect(log.admit('s', 1)).rejects.toMatchObject(refused)
    expect(performance.now() - begun).toBeLessThan(1_000)
    await redis.start()
    await here(log)
    expect((await append(log)).answer).toEqual({ type: 'ack', offset: 2 })
  })

  test('may come up after the log, which is then ready at once', async () => {
    const port = await freePort()
    const log = redisLog({ url: `redis://127.0.0.1:${port}`, onError: () => undefined })
    onTestFinished(() => log.close())
    await expect(append(log)).rejects.toMatchObject({ code: 'refused' })
    const redis = await startRedisServer({ port })
    onTestFinished(() => redis.close())
    await here(log)
    expect((await append(log)).answer).toEqual({ type: 'ack', offset: 1 })
  })

  test('or hangs is given up: an append is outcome-unknown, and one with an id is stored once when it is sent again', async () => {
    const { redis, open } = await redisWith()
    const log = open()
    await append(log)
    redis.freeze()
    const origin = { session: 's', id: 'p' }
    const one = append(log).catch((error: unknown) => error)
    const named = log.append({ topic: 't', data: '1', origin })
    await expect(one).resolves.toMatchObject({ code: 'outcome-unknown' })
    redis.thaw()
    await named.catch(() => undefined)
    await here(log)
    const all = (await log.read('t', 0, ALL)).entries
    const again = await log.append({ topic: 't', data: '1', origin: { ...origin, age: 20_000 } })
    expect((await log.read('t', 0, ALL)).entries.length - all.length).toBe(again.repeat ? 0 : 1)
  }, 40_000)

  test('gets the release of a leg that left meanwhile when it is back', async () => {
    const { redis, open } = await redisWith({ persistence: 'always' })
    const [log, other] = [open(), open()]
    await log.admit('s', 1)
    await redis.kill()
    await until(() => !log.stats().here && !other.stats().here, 'it is noticed')
    const released = log.release('s', 1)
    await redis.start()
    expect(await released).toEqual({ last: true })
    await here(other)
    expect(await other.admit('s', 2)).toEqual({ outcome: 'admitted', first: true })
  })
})

test('a Redis killed amid many publishes has each acknowledged message once, and no number twice', async () => {
  const { redis, open } = await redisWith({ persistence: 'always' })
  // All answers are remembered, because a repeat whose answer was forgotten could only be `outcome-unknown`.
  const limits = { history: { maxMessages: 10_000 }, dedupe: { maxIds: 2_000 } }
  const logs = [open(limits), open(limits)]
  const tail = await follow(logs[1]!)
  // The session has a leg before it publishes, so the log knows all of it, from its first publish on.
  await logs[0]!.admit('s', 1)
  const outcomes = new Map<string, Answer | 'refused' | 'unknown'>()
  const publish = async (id: string, log: ReturnType<typeof redisLog>) => {
    try {
      outcomes.set(
        id,
        (await log.append({ topic: 't', data: JSON.stringify(id), origin: { session: 's', id } })).answer,
      )
    } catch (error) {
      outcomes.set(id, (error as { code: string }).code === 'refused' ? 'refused' : 'unknown')
    }
  }
  const publishes: Promise<void>[] = []
  for (let round = 0; round < 3; round++) {
    for (let at = 0; at < 400; at++) {
      publishes.push(publish(`${round}.${at}`, logs[at % 2]!))
      if (at % 40 === 0) await new Promise<void>((resolve) => void setImmediate(resolve))
      if (at === 200) void redis.kill()
    }
    await until(() => !logs[0]!.stats().here && !logs[1]!.stats().here, 'it is noticed')
    await publish(`${round}.away`, logs[0]!)
    await redis.start()
    await Promise.all(logs.map(here))
  }
  await Promise.all(publishes)
  const { entries } = await logs[0]!.read('t', 0, ALL)
  expect(entries.map(({ offset }) => offset)).toEqual(range(1, entries.length))
  const stored = new Map(entries.map(({ offset, data }) => [JSON.parse(data) as string, offset]))
  expect(stored.size).toBe(entries.length)
  for (const [id, outcome] of outcomes) {
    if (outcome === 'refused') expect(stored.has(id)).toBe(false)
    else if (outcome !== 'unknown') expect(outcome).toEqual({ type: 'ack', offset: stored.get(id) })
  }
  expect([...outcomes.values()].filter((outcome) => outcome === 'unknown')).toEqual([])
  expect([...outcomes.values()].filter((outcome) => outcome === 'refused').length).toBeGreaterThan(0)
  await until(() => tail.offsets().length === entries.length, 'the tail has told of all')
  expect(tail.offsets()).toEqual(range(1, entries.length))
})

test.each([
  [
    'Redis is killed and started with its data',
    async (redis: RedisServer) => (await redis.kill(), await redis.start()),
  ],
  [
    'Redis is killed and started without its data',
    async (redis: RedisServer) => (await redis.kill(), await redis.start('lost')),
  ],
  ['Redis is emptied', (redis: RedisServer) => redis.command('FLUSHALL')],
  ['the connection is cut', (redis: RedisServer) => redis.command('CLIENT', 'KILL', 'TYPE', 'normal')],
] as const)(
  'publishes that a session sends without waiting are stored in order, also where %s amid them',
  async (_, trouble) => {
    const { redis, open } = await redisWith({ persistence: 'always' })
    const log = open({ history: { maxMessages: 10_000 }, durable: true })
    await append(log, '-1')
    const asked: Promise<unknown>[] = []
    let begun: Promise<unknown> = Promise.resolve()
    let over = false
    // It continues until the trouble is over, and for a while longer.
    for (let n = 0, more = 200; more > 0; n++) {
      for (let at = 0; at < 5; at++)
        asked.push(
          log
            .append({ topic: 't', data: `${n * 5 + at}`, origin: { session: 's', id: `${n * 5 + at}` } })
            .catch(() => undefined),
        )
      if (n === 100)
        begun = trouble(redis)
          .then(() => here(log))
          .then(() => void (over = true))
      if (over) more--
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    await Promise.all([begun, ...asked])
    const stored = (await log.read('t', 0, ALL)).entries.map(({ data }) => Number(data))
    expect(stored.length).toBeGreaterThan(500)
    expect(stored.filter((n, at) => n <= (stored[at - 1] ?? -2))).toEqual([])
  },
)

test('sessions of a node that died go on at another one, and keep their newest leg', async () => {
  const { open } = await redisWith()
  let now = 1_700_000_000_000
  const [dead, alive] = [open({}, () => now), open({}, () => now)]
  await dead.admit('s', 1)
  expect(await alive.admit('s', 2)).toEqual({ outcome: 'admitted', first: false })
  expect(await alive.release('s', 2)).toEqual({ last: false })
  // Its lease expires without a renewal.
  now += 16_000
  expect(await alive.admit('s', 3)).toEqual({ outcome: 'admitted', first: false })
  expect(await alive.admit('s', 2)).toEqual({ outcome: 'superseded' })
})

describe('reads that many clients need at once are shared', () => {
  const sink: ReaderSink = {
    message: () => undefined,
    missed: () => undefined,
    subscribed: () => undefined,
    hasRoom: () => true,
    whenRoom: () => () => undefined,
    sees: () => true,
  }

  test.each([
    ['at one position', () => 700],
    ['at a thousand positions', (at: number) => at],
  ])('a thousand clients resume %s', async (_, position) => {
    const { open } = await redisWith()
    const [log, publisher] = [open(), open()]
    for (let at = 0; at < 1_000; at++) void append(publisher, `${at}`)
    await until(async () => (await publisher.head('t')).offset === 1_000, 'all are stored')
    const { epoch } = await publisher.head('t')
    const feed = new TopicFeed('t', { log, clock: systemClock, onError: (error) => expect.fail(String(error)) })
    onTestFinished(() => feed.close())
    let told = 0
    await Promise.all(
      range(0, 999).map(async (at) => {
        const request = { epoch, offset: position(at) }
        await feed.prepare(request)
        feed.start(feed.join(request, { ...sink, message: () => void told++ }).reader)
      }),
    )
    const expected = range(0, 999).reduce((sum, at) => sum + 1_000 - position(at), 0)
    await until(() => told === expected, 'all have got all')
    const { reads, heads } = log.stats()
    expect(reads).toBeLessThanOrEqual(4)
    expect(heads).toBeLessThanOrEqual(3)
  })

  test('the head of a followed topic is read at most ten times a second', async () => {
    const { open } = await redisWith()
    const log = open()
    await log.tail('t', () => undefined)
    const before = log.stats().heads
    const begun = performance.now()
    const asked: Promise<unknown>[] = []
    while (performance.now() - begun < 500 || asked.length <= 100) {
      asked.push(log.head('t'))
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    await Promise.all(asked)
    // Except for the first and the last, each comes less than a tenth of a second after the one before.
    expect(log.stats().heads - before).toBeLessThanOrEqual(2 + (performance.now() - begun) / 100)
  })
})

test('foreign data in the keys of the log is skipped and reported', async () => {
  const { redis, open, errors } = await redisWith()
  const [log, other] = [open(), open()]
  const tail = await follow(log)
  await append(log)
  const { epoch } = await log.head('t')
  const root = epoch.replace(/\.\d+$/, '')
  const stream = `{livesocket}:topic:${root}:=t`
  await redis.command('XADD', '{livesocket}:feed', '*', 'garbage', 'x')
  await redis.command('XADD', '{livesocket}:feed', '*', `NaN:-1:${epoch}:n.1:~zz`, '1')
  await redis.command('XADD', stream, '1-5', 'garbage', 'x')
  await append(log)
  expect((await other.read('t', 0, ALL)).entries.map(({ offset }) => offset)).toEqual([1, 2])
  await until(() => tail.offsets().length === 2, 'both are told of')
  await until(() => errors.length >= 3, 'each is told of')
  // An entry with an offset far ahead, then another type: the history is lost, the offsets are not.
  await redis.command('XADD', stream, '99999-0', 'garbage', 'x')
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 3 })
  await redis.command('SET', stream, 'x')
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 4 })
  expect((await other.read('t', 0, ALL)).entries.map(({ offset }) => offset)).toEqual([4])
  await redis.command('SET', '{livesocket}:feed', 'x')
  await append(log)
  await append(log)
  await until(() => tail.offsets().at(-1) === 6, 'all are told of')
  expect(tail.offsets()).toEqual(range(1, 6))
})

test('a record key with foreign data blocks no publish and makes none be stored twice', async () => {
  const { redis, open } = await redisWith()
  const log = open()
  await append(log)
  const { epoch } = await log.head('t')
  await redis.command('SET', `{livesocket}:record:${epoch.replace(/\.\d+$/, '')}:=s`, 'x')
  const origin = { session: 's', id: 'p' }
  for (let time = 0; time < 2; time++)
    expect(await log.append({ topic: 't', data: '2', origin })).toMatchObject({
      answer: { type: 'ack', offset: 2 },
      repeat: time > 0,
    })
  expect((await log.read('t', 0, ALL)).entries).toHaveLength(2)
})

test('topics, sessions and ids with unusual characters, even lone surrogates, stay distinct', async () => {
  const { open } = await redisWith()
  const log = open()
  const names = ['\ud800', '\ud801', '\udc00', '�', '=', '~d800', '~00d8', '{}', '}{x}', '*', '\r\n', '\0', 'ünï', '']
  const tails = await Promise.all(names.map((name) => follow(log, name)))
  for (const [at, name] of names.entries()) {
    expect((await log.append({ topic: name, data: `${at}`, origin: { session: name, id: name } })).answer).toEqual({
      type: 'ack',
      offset: 1,
    })
    expect(await log.admit(name, 1, name)).toEqual({ outcome: 'admitted', first: true })
  }
  for (const [at, tail] of tails.entries()) {
    await until(() => tail.events.length === 1, 'it is told of')
    expect(tail.events[0]).toMatchObject({ entry: { offset: 1, data: `${at}` } })
  }
})

test('the topic quiet for longest is evicted, and comes back with a new epoch', async () => {
  const { open } = await redisWith()
  let now = 1_700_000_000_000
  const log = open({ maxTopics: 2 }, () => now++)
  for (const topic of ['a', 'b']) await append(log, '1', topic)
  const before = await log.head('a')
  await append(log, '1', 'c')
  expect((await append(log, '2', 'a')).answer).toEqual({ type: 'ack', offset: 1 })
  expect((await log.head('a')).epoch).not.toBe(before.epoch)
})

test('a followed topic is never evicted, however quiet it is, and no reader gets a gap', async () => {
  const { open } = await redisWith()
  const [log, other] = [open({ maxTopics: 10 }), open({ maxTopics: 10 })]
  const topics = range(1, 30).map((at) => `followed ${at}`)
  // Half of the topics have never had a message.
  for (const topic of topics.slice(0, 15)) await append(log, '1', topic)
  const tails = await Promise.all(topics.map((topic, at) => follow(at % 2 ? log : other, topic)))
  for (let at = 0; at < 100; at++) await append(log, '1', `other ${at}`)
  for (const topic of topics) await append(log, '"last"', topic)
  for (const tail of tails) await until(() => tail.events.length > 0, 'the last one is told of')
  for (const [at, tail] of tails.entries())
    expect({ at, epochs: tail.epochs(), told: tail.events.length }).toEqual({ at, epochs: [], told: 1 })
})

test('the node of a cluster that has the slot of the log is found', async () => {
  const more = ['--cluster-enabled', 'yes', '--cluster-port']
  const [one, two] = [
    await redisWith({ more: [...more, `${await freePort()}`] }),
    await redisWith({ more: [...more, `${await freePort()}`] }),
  ]
  await two.redis.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  const bus = (await two.redis.command('CLUSTER', 'NODES')) as string
  await one.redis.command('CLUSTER', 'MEET', '127.0.0.1', `${two.redis.port}`, /@(\d+)/.exec(bus)![1]!)
  await until(
    async () => String(await one.redis.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
    'they know each other',
  )
  const log = one.open()
  await here(log)
  const tail = await follow(log)
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 1 })
  await until(() => tail.offsets().length === 1, 'it is told of')
})

test('close() leaves no connection and no timer', async () => {
  const { redis } = await redisWith()
  let timers = 0
  const clock: Clock = {
    ...systemClock,
    setTimeout(task, delay) {
      timers++
      const once = () => {
        if (done) return false
        done = true
        timers--
        return true
      }
      let done = false
      const cancel = systemClock.setTimeout(() => once() && task(), delay)
      return () => {
        once()
        cancel()
      }
    },
  }
  const log = redisLog({ url: redis.url, clock })
  await log.tail('t', () => undefined)
  await append(log)
  await log.read('t', 0, ALL)
  await log.admit('s', 1)
  expect(timers).toBeGreaterThan(0)
  await log.close()
  expect(timers).toBe(0)
  const list = String(await redis.command('CLIENT', 'LIST'))
  expect(list.trim().split('\n')).toHaveLength(1)
  await expect(append(log)).rejects.toMatchObject({ code: 'refused' })
})

test.each([
  [{}, 'url, client, cluster or sentinel'],
  [{ url: 'http://localhost' }, 'redis://'],
  [{ client: {} as never }, 'createClient'],
  [{ url: 'redis://x', prefix: '{a}' }, 'prefix'],
  [{ url: 'redis://x', history: { maxAge: -1 } }, 'history.maxAge'],
  [{ url: 'redis://x', dedupe: { maxIds: 0 } }, 'dedupe.maxIds'],
])('an invalid option is refused by name: %j', (options, name) => {
  expect(() => redisLog(options)).toThrow(
    expect.objectContaining({ code: 'invalid', message: expect.stringContaining(name) }),
  )
})

test('a tail on the node that appends a message gets it with the answer to its publisher, once and in order with appends of other nodes', async () => {
  const { open } = await redisWith({})
  const [log, other] = [open(), open()]
  const tail = await follow(log)
  await append(log)
  await until(() => tail.offsets().length === 1, 'it has caught up with its beginning')
  for (let offset = 2; offset <= 12; offset++) {
    await append(log)
    expect(tail.offsets()).toEqual(range(1, offset))
  }
  for (let round = 0; round < 20; round++) await Promise.all([append(log), append(other), append(log)])
  await until(() => tail.offsets().length >= 72, 'all are told of')
  // The feed brings nothing new before this one: when this append arrives, it has caught up.
  await append(other)
  await until(() => tail.offsets().at(-1) === 73, 'the last one is told of')
  expect(tail.offsets()).toEqual(range(1, 73))
  expect(tail.epochs()).toEqual([])
})
