import { describe, expect, test } from 'vitest'
import { LiveSocketError } from '../../../src/base/errors.js'
import { z } from 'zod'
import { memoryLog, PublishRefused, type LiveServerOptions } from '../../../src/server/index.js'
import { createSimulatedClock, liveServer, until } from '../kit.js'

const publish = { type: 'publish', id: 'p', topic: 't', data: { n: 1 } }

async function answered(options: Partial<LiveServerOptions>) {
  const server = await liveServer(options)
  const client = await server.join({ session: 's', topics: { t: {} } })
  client.send(publish)
  await until(() => client.of('ack').length + client.of('nack').length > 0, 'an answer')
  await client.settle()
  return {
    server,
    client,
    answer: client.frames.find(({ type }) => type.endsWith('ack'))!,
    message: client.of('message')[0],
  }
}

describe('the answer to a publish, and what is stored', () => {
  test.each<[string, LiveServerOptions['onPublish'], object, unknown]>([
    ['only the offset, and the data as sent', () => undefined, {}, { n: 1 }],
    ['an answer', () => ({ answer: [1, null] }), { data: [1, null] }, { n: 1 }],
    ['null as an answer', () => ({ answer: null }), { data: null }, { n: 1 }],
    ['other data from onPublish in place of the data sent', async () => ({ data: 'checked' }), {}, 'checked'],
    ['null from onPublish in place of the data sent', () => ({ data: null }), {}, null],
  ])('%s', async (_, onPublish, more, stored) => {
    const { answer, message } = await answered({ onPublish })
    expect(answer).toEqual({ type: 'ack', id: 'p', offset: 1, ...more })
    expect(message).toEqual({ type: 'message', topic: 't', offset: 1, id: 'p', data: stored })
  })

  test.each<[string, Partial<LiveServerOptions>, object, number]>([
    ['authorize says no', { authorize: ({ action }) => action !== 'publish' }, { code: 'forbidden' }, 0],
    [
      'authorize fails',
      { authorize: ({ action }) => action !== 'publish' || Promise.reject(new Error('db down')) },
      { code: 'busy', retryAfter: 1_000 },
      1,
    ],
    [
      'onPublish refuses',
      { onPublish: () => Promise.reject(new PublishRefused('full', 'The room is full.')) },
      { code: 'full', message: 'The room is full.' },
      0,
    ],
    [
      'onPublish refuses for now',
      { onPublish: () => Promise.reject(new PublishRefused('full', 'Later.', 9.5)) },
      { code: 'full', retryAfter: 10 },
      0,
    ],
    [
      'onPublish refuses at the greatest length that clients read',
      { onPublish: () => Promise.reject(new PublishRefused('c'.repeat(128), 'm'.repeat(4_096), 3_600_000)) },
      { code: 'c'.repeat(128), message: 'm'.repeat(4_096), retryAfter: 3_600_000 },
      0,
    ],
    [
      'onPublish refuses with a megabyte',
      { onPublish: () => Promise.reject(new PublishRefused('full', 'm'.repeat(1_048_576))) },
      { code: 'full', message: 'm'.repeat(4_096) },
      1,
    ],
    [
      'onPublish refuses with a code that is too long',
      { onPublish: () => Promise.reject(new PublishRefused('c'.repeat(129), 'no')) },
      { code: 'refused', message: 'no' },
      1,
    ],
    [
      'onPublish refuses with no code',
      { onPublish: () => Promise.reject(new PublishRefused('', 'no')) },
      { code: 'refused', message: 'no' },
      1,
    ],
    [
      'onPublish refuses with a number for a code',
      { onPublish: () => Promise.reject(new PublishRefused(404 as never, 'no')) },
      { code: 'refused', message: 'no' },
      1,
    ],
    [
      'onPublish refuses with an infinite retryAfter',
      { onPublish: () => Promise.reject(new PublishRefused('full', 'no', Infinity)) },
      { code: 'full', retryAfter: 1_000 },
      1,
    ],
    [
      'onPublish refuses with NaN as retryAfter',
      { onPublish: () => Promise.reject(new PublishRefused('full', 'no', Number.NaN)) },
      { code: 'full', retryAfter: 1_000 },
      1,
    ],
    [
      'onPublish answers with more than clients read',
      { onPublish: () => ({ answer: 'x'.repeat(17_000_000) }) },
      { code: 'error' },
      1,
    ],
    [
      'onPublish stores more than clients read',
      { onPublish: () => ({ data: 'x'.repeat(17_000_000) }) },
      { code: 'error' },
      1,
    ],
    [
      'onPublish fails',
      { onPublish: () => Promise.reject(new Error('secret: hunter2')) },
      { code: 'error', message: expect.not.stringContaining('hunter2') },
      1,
    ],
    ['onPublish returns data that JSON cannot express', { onPublish: () => ({ data: 1n }) }, { code: 'error' }, 1],
    [
      'the log refuses',
      {
        log: {
          ...memoryLog(),
          append: () => Promise.reject(new LiveSocketError('refused', 'away', { retryAfter: 70 })),
        },
      },
      { code: 'busy', retryAfter: 70 },
      1,
    ],
    [
      'the log breaks',
      { log: { ...memoryLog(), append: () => Promise.reject(new Error('connection lost')) } },
      { code: 'outcome-unknown' },
      1,
    ],
  ])('a publish is refused where %s', async (_, options, expected, errors) => {
    const { server, answer, message } = await answered(options)
    expect(answer).toMatchObject({ type: 'nack', id: 'p', ...expected })
    expect(message).toBeUndefined()
    expect(server.errors).toHaveLength(errors)
    expect(server.stats()).toMatchObject({ published: 1, refused: 1 })
  })

  test('without authorize a client may subscribe but not publish: its nack and one error for the operator say what to set, and the server itself may publish', async () => {
    const server = await liveServer({ authorize: undefined })
    const client = await server.join({ topics: { t: {} } })
    for (const id of ['p', 'q']) {
      client.send({ ...publish, id })
      expect(await client.next('nack')).toEqual({
        type: 'nack',
        id,
        code: 'forbidden',
        message: expect.stringContaining('authorize'),
      })
    }
    expect(server.errors).toMatchObject([{ code: 'invalid', message: expect.stringContaining('authorize') }])
    await server.publish('t', 1)
    expect(await client.next('message')).toMatchObject({ offset: 1, data: 1 })
  })

  test.each([undefined, null, 1, 'yes', { allowed: true }])(
    'an authorize that returns %s instead of a boolean counts as a refusal, and the operator is told',
    async (answer) => {
      const server = await liveServer({ authorize: ({ action }) => (action === 'publish' ? (answer as never) : true) })
      const client = await server.join({ topics: { t: {} } })
      client.send(publish)
      expect(await client.next('nack')).toMatchObject({ code: 'forbidden' })
      expect(server.errors).toMatchObject([{ code: 'invalid', message: expect.stringContaining('true or false') }])
    },
  )

  test.each<[string, Partial<LiveServerOptions>]>([
    ['the log is away', {}],
    ['the log is away, and onPublish would decide', { onPublish: () => undefined }],
  ])('server rule 5: a repeat gets outcome-unknown, never a refusal, where %s', async (_, options) => {
    const away = () => Promise.reject(new LiveSocketError('refused', 'away', { retryAfter: 70 }))
    const server = await liveServer({ ...options, log: { ...memoryLog(), append: away, recall: away, once: away } })
    const client = await server.join({ session: 's', topics: {} })
    client.send({ ...publish, age: 1_000 })
    client.send({ ...publish, id: 'first' })
    const [repeat, first] = [await client.next('nack'), await client.next('nack')]
    expect(repeat).toEqual({ type: 'nack', id: 'p', code: 'outcome-unknown', message: expect.any(String) })
    expect(first).toMatchObject({ id: 'first', code: 'busy', retryAfter: 70 })
  })

  test.each(['recall', 'once'] as const)(
    'where the log breaks before the decision (%s), the publish gets busy and can be tried again',
    async (what) => {
      let asked = 0
      const broken = () => Promise.reject(new LiveSocketError('outcome-unknown', 'the connection broke'))
      const { answer } = await answered({ log: { ...memoryLog(), [what]: broken }, onPublish: () => void asked++ })
      expect(answer).toMatchObject({ type: 'nack', code: 'busy', retryAfter: 1_000 })
      expect(asked).toBe(0)
    },
  )

  test('where the log breaks after the decision, the publish gets outcome-unknown', async () => {
    const broken = () => Promise.reject(new LiveSocketError('outcome-unknown', 'the connection broke'))
    for (const onPublish of [() => undefined, () => Promise.reject(new PublishRefused('no', 'No.'))]) {
      const { answer } = await answered({ log: { ...memoryLog(), append: broken, refuse: broken }, onPublish })
      expect(answer).toMatchObject({ type: 'nack', code: 'outcome-unknown' })
    }
  })

  test('authorize and onPublish get the user, the session and the data', async () => {
    const asks: object[] = []
    await answered({
      authenticate: () => ({ name: 'ann' }),
      authorize: (ask) => (asks.push(ask), true),
      onPublish: (ask) => void asks.push(ask),
    })
    const user = { name: 'ann' }
    expect(asks).toEqual([
      { action: 'subscribe', topic: 't', user, session: 's' },
      { action: 'publish', topic: 't', user, session: 's', data: { n: 1 } },
      { topic: 't', data: { n: 1 }, id: 'p', session: 's', user, signal: expect.any(AbortSignal) },
    ])
  })
})

describe('a slow handler does not delay the rest', () => {
  const never = () => new Promise<never>(() => undefined)
  const into = (topic: string, id: string) => ({ type: 'publish', id, topic, data: id })

  test('server rule 4: publishes into one topic are decided one at a time, and those into other topics do not wait for them', async () => {
    const waiting = new Map<string, () => void>()
    const server = await liveServer({
      onPublish: ({ id }) =>
        id.startsWith('slow') ? new Promise<void>((resolve) => void waiting.set(id, resolve)) : undefined,
    })
    const client = await server.join({ session: 's', topics: {} })
    for (const frame of [into('orders', 'slow 1'), into('orders', 'slow 2'), into('chat', 'a'), into('chat', 'b')])
      client.send(frame)
    expect([await client.next('ack'), await client.next('ack')].map(({ id }) => id)).toEqual(['a', 'b'])
    await client.settle()
    expect([...waiting.keys()]).toEqual(['slow 1'])
    waiting.get('slow 1')!()
    expect(await client.next('ack')).toMatchObject({ id: 'slow 1', offset: 1 })
    await until(() => waiting.has('slow 2'), 'the next begins')
    waiting.get('slow 2')!()
    expect(await client.next('ack')).toMatchObject({ id: 'slow 2', offset: 2 })
  })

  test('an onPublish that never answers ends at limits.publishTimeout as outcome-unknown, and the next publish of the topic is decided', async () => {
    const clock = createSimulatedClock()
    const signals: AbortSignal[] = []
    let late: () => void = () => undefined
    const server = await liveServer({
      clock,
      limits: { publishTimeout: 700 },
      onPublish: ({ data, signal }) =>
        data === 'hangs' ? (signals.push(signal), new Promise<void>((resolve) => void (late = resolve))) : undefined,
    })
    const client = await server.join({ session: 's', topics: { t: {} } })
    client.send(into('t', 'hangs'))
    client.send(into('t', 'next'))
    await until(() => signals.length === 1, 'it is decided')
    await clock.advance(699)
    await client.settle()
    expect([client.of('nack').length, signals[0]!.aborted]).toEqual([0, false])
    await clock.advance(1)
    expect(await client.next('nack')).toMatchObject({ id: 'hangs', code: 'outcome-unknown' })
    expect(await client.next('ack')).toMatchObject({ id: 'next', offset: 1 })
    expect(signals[0]!.aborted).toBe(true)
    expect(server.errors).toMatchObject([{ code: 'timeout', message: expect.stringContaining('publishTimeout') }])
    // What it returns later changes nothing, and a repeat gets the same answer.
    late()
    client.send({ ...into('t', 'hangs'), age: 700 })
    expect(await client.next('nack')).toMatchObject({ id: 'hangs', code: 'outcome-unknown' })
    await client.settle()
    expect(client.of('message').map(({ data }) => data)).toEqual(['next'])
  })

  test('an authorize that never answers ends as busy, because nothing was applied', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock, authorize: ({ action }) => (action === 'publish' ? never() : true) })
    const client = await server.join({ session: 's', topics: {} })
    client.send(into('t', 'a'))
    await until(() => server.stats().published === 1, 'it is asked about')
    await clock.advance(8_000)
    expect(await client.next('nack')).toMatchObject({ id: 'a', code: 'busy', retryAfter: 1_000 })
  })

  test.each(['subscribe', 'signal'] as const)(
    'an authorize that never answers a %s delays no other topic, and ends as busy',
    async (asked) => {
      const clock = createSimulatedClock()
      const server = await liveServer({
        clock,
        authorize: ({ action, topic }) => (action === asked && topic === 'stuck' ? never() : true),
      })
      const client = await server.join({ session: 's', topics: asked === 'signal' ? { stuck: {} } : {} })
      if (asked === 'signal') client.send({ type: 'signal', id: 'sign', topic: 'stuck', data: 1 })
      else client.send({ type: 'subscribe', id: 'sub', topics: { stuck: {} } })
      client.send(into('free', 'a'))
      expect(await client.next('ack')).toMatchObject({ id: 'a' })
      client.send({ type: 'subscribe', id: 'next', topics: { free: {} } })
      if (asked === 'signal') await client.next('subscribed')
      await clock.advance(5_000)
      expect(await client.next(asked === 'signal' ? 'nack' : 'error')).toMatchObject({
        code: 'busy',
        retryAfter: 1_000,
      })
      if (asked === 'subscribe') {
        const [, second] = [await client.next('subscribed'), await client.next('subscribed')]
        expect(second).toMatchObject({ id: 'next' })
      }
      expect(server.errors).toMatchObject([{ code: 'timeout', message: expect.stringContaining('authorize') }])
    },
  )

  test('an authorize that never answers for one topic of a hello still lets the leg in with the others', async () => {
    const clock = createSimulatedClock()
    const asked: string[] = []
    const server = await liveServer({
      clock,
      authorize: ({ topic }) => (asked.push(topic), topic === 'stuck' ? never() : true),
    })
    const client = await server.client()
    client.send({ type: 'hello', session: 's', leg: 1, topics: { stuck: {}, free: {} } })
    await until(() => asked.length === 2, 'both are asked about')
    await clock.advance(5_000)
    expect(Object.keys((await client.next('welcome'))['topics'] as object)).toEqual(['free'])
    expect(client.of('error')).toMatchObject([{ topic: 'stuck', code: 'busy', retryAfter: 1_000 }])
  })
})

describe('a client that sends many publishes', () => {
  async function slowly(options: Partial<LiveServerOptions>) {
    const log = memoryLog()
    const storing: (() => void)[] = []
    const slow = {
      ...log,
      append: async (entry: Parameters<typeof log.append>[0]) => (
        await new Promise<void>((resolve) => void storing.push(resolve)), log.append(entry)
      ),
    }
    const server = await liveServer({ ...options, log: slow })
    const client = await server.join({ session: 's', topics: {} })
    for (let n = 1; n <= 5; n++) client.send({ ...publish, id: `${n}`, data: n })
    return { server, client, storing }
  }

  test('does not wait for a slow log between them: the log gets them together, in order', async () => {
    const { client, storing } = await slowly({ authorize: async () => true })
    await until(() => storing.length === 5, 'all are given to the log')
    for (const store of storing) store()
    await until(() => client.of('ack').length === 5, 'all are answered')
    expect(client.of('ack').map(({ id, offset }) => [id, offset])).toEqual([1, 2, 3, 4, 5].map((n) => [`${n}`, n]))
  })

  test('has each decided by onPublish only once all before it are stored', async () => {
    const decided: unknown[] = []
    const { client, storing } = await slowly({ onPublish: ({ data }) => void decided.push(data) })
    for (let n = 1; n <= 5; n++) {
      await until(() => storing.length === n, `${n} is given to the log`)
      await client.settle()
      expect(decided).toHaveLength(n)
      storing[n - 1]!()
    }
    await until(() => client.of('ack').length === 5, 'all are answered')
  })

  test('gets the answers to all under way before it is closed', async () => {
    const { server, client, storing } = await slowly({})
    await until(() => storing.length === 5, 'all are given to the log')
    const closed = server.close()
    for (const store of storing) store()
    await closed
    expect(client.of('ack')).toHaveLength(5)
  })
})

describe('publishing as the server', () => {
  test.each([
    ['undefined', undefined, 'invalid'],
    ['a function', () => 1, 'invalid'],
    ['a bigint', 1n, 'invalid'],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw new Error('no')
        },
      },
      'invalid',
    ],
    ['more than a frame', 'x'.repeat(300_000), 'too-large'],
  ])('%s is refused', async (_, data, code) => {
    const server = await liveServer()
    await expect(server.publish('t', data)).rejects.toMatchObject({ name: 'LiveSocketError', code })
    expect(await server.publish('t', 1)).toEqual({ epoch: expect.any(String), offset: 1 })
  })

  test.each(['', 'x'.repeat(257), 7 as never])('an invalid topic name is refused: %s', async (topic) => {
    const server = await liveServer()
    await expect(server.publish(topic, 1)).rejects.toMatchObject({ code: 'invalid' })
  })

  test('data that changes after the call is published as it was', async () => {
    const server = await liveServer()
    const reader = await server.join({ topics: { t: {} } })
    const data = { n: 1 }
    const done = server.publish('t', data)
    data.n = 2
    await done
    expect(await reader.next('message')).toMatchObject({ data: { n: 1 } })
  })
})

test('data that does not fit the schema of its topic is refused by its path, before onPublish, and not stored', async () => {
  const seen: unknown[] = []
  const server = await liveServer({
    schemas: { t: z.object({ text: z.string() }) },
    onPublish: ({ data }) => void seen.push(data),
  })
  const client = await server.join({ topics: { t: {} } })
  client.send({ type: 'publish', id: '1', topic: 't', n: 1, data: { text: 7 } })
  expect(await client.next('nack')).toMatchObject({ code: 'invalid', message: expect.stringContaining('text') })
  client.send({ type: 'publish', id: '2', topic: 't', n: 2, data: { text: 'a' } })
  expect(await client.next('ack')).toMatchObject({ id: '2', offset: 1 })
  expect(seen).toEqual([{ text: 'a' }])
})
