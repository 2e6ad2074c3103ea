import { connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveSocket } from '../../src/index.js'
import { decodeServerFrame } from '../../src/protocol/server-frames.js'
import { createLiveServer, memoryLog, type LiveServerOptions } from '../../src/server/index.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { rawClient } from '../kit/raw-client.js'
import { createRelay } from '../kit/relay.js'
import type { Weather } from '../kit/relay-lane.js'
import { createSimulatedClock, liveServer, still, until } from './kit.js'

/** The address of a path to that server which cuts everything, both ways, into pieces of that many bytes. */
async function cuttingPath(address: string, weather: Pick<Weather, 'slice'>): Promise<string> {
  const relay = createRelay({
    target: { port: Number(new URL(address).port) },
    weather: () => Object.assign(weather, { latency: 0, jitter: 0, bandwidth: Infinity }),
  })
  await relay.ready
  onTestFinished(() => relay.close())
  return `ws://127.0.0.1:${relay.port}/`
}

describe('frames that break the rules', () => {
  test.each<[string, string | Buffer, string, number]>([
    ['no JSON', '{', 'protocol', 1002],
    ['empty text', '', 'protocol', 1002],
    ['a JSON null', 'null', 'protocol', 1002],
    ['an array', '[]', 'protocol', 1002],
    ['deep nesting', '['.repeat(1_000), 'protocol', 1002],
    ['no type', '{}', 'protocol', 1002],
    ['a binary frame', Buffer.from('{"type":"ping"}'), 'protocol', 1002],
    ['a publish without data', '{"type":"publish","id":"p","topic":"t"}', 'protocol', 1002],
    ['a publish with an offset for an id', '{"type":"publish","id":1,"topic":"t","data":1}', 'protocol', 1002],
    [
      'a position ahead of every number',
      '{"type":"subscribe","id":"1","topics":{"t":{"epoch":"e","offset":9007199254740993}}}',
      'protocol',
      1002,
    ],
    [
      'a name that is too long',
      JSON.stringify({ type: 'subscribe', id: '1', topics: { ['x'.repeat(300)]: {} } }),
      'protocol',
      1002,
    ],
    ['a second hello', '{"type":"hello","session":"s","leg":2,"topics":{}}', 'protocol', 1002],
    ['too large a frame', JSON.stringify({ type: 'ping', pad: 'x'.repeat(2_000) }), 'too-large', 1009],
    ['too large a frame of few characters', JSON.stringify({ type: 'ping', pad: '€'.repeat(500) }), 'too-large', 1009],
  ])('%s: the leg is closed with an error that names the fault', async (_, data, error, code) => {
    const server = await liveServer({ limits: { maxFrame: 1_200 } })
    const client = await server.join()
    client.ws.send(data)
    expect(await client.next('error')).toMatchObject({ code: error })
    expect(await client.closed).toEqual({ code, reason: error })
    expect(server.errors).toEqual([])
    await server.join()
  })

  test.each([
    ['a ping', { type: 'ping' }],
    ['a hello without a session', { type: 'hello', leg: 1, topics: {} }],
    ['a hello with leg 0', { type: 'hello', session: 's', leg: 0, topics: {} }],
    ['a hello whose topics are a list', { type: 'hello', session: 's', leg: 1, topics: ['t'] }],
  ])('%s as the first frame closes the connection', async (_, frame) => {
    const server = await liveServer()
    const client = await server.client()
    client.send(frame)
    expect(await client.next('error')).toMatchObject({ code: 'protocol' })
    expect(await client.closed).toMatchObject({ code: 1002 })
  })

  test('a frame between the hello and the welcome closes the connection', async () => {
    const server = await liveServer({ authenticate: async () => (await new Promise((then) => setImmediate(then)), {}) })
    const client = await server.client()
    client.send({ type: 'hello', session: 's', leg: 1, topics: {} })
    client.send({ type: 'ping' })
    expect(await client.closed).toMatchObject({ code: 1002 })
    expect(client.frames.map(({ code }) => code)).toEqual(['protocol'])
  })

  test('a publish that is too large is refused by its id, so that it is not sent again', async () => {
    const server = await liveServer({ limits: { maxFrame: 2_000 } })
    const client = await server.join()
    client.send({ type: 'publish', id: 'small', topic: 't', data: 1 })
    client.send({ type: 'publish', id: 'large', topic: 't', data: 'x'.repeat(3_000) })
    await client.closed
    expect(client.frames.slice(1)).toMatchObject([
      { type: 'ack', id: 'small' },
      { type: 'error', code: 'too-large', id: 'large' },
    ])
  })

  test('the largest hello that a client sends is read even with the smallest maxFrame and one topic allowed', async () => {
    const server = await liveServer({ limits: { maxFrame: 1_024, maxTopics: 1 } })
    const client = await server.client()
    const topics = Object.fromEntries(Array.from({ length: 1_560 }, (_, at) => [`topic-${at}-`.padEnd(15, 'x'), {}]))
    const bytes = JSON.stringify(topics).length
    expect([bytes > 32_700, bytes <= 32_768]).toEqual([true, true])
    client.send({ type: 'hello', session: 's', leg: 1, token: 'x'.repeat(65_536), topics })
    expect(await client.next('welcome')).toMatchObject({ maxFrame: 1_024 })
  })

  test('a frame far beyond the limit closes the leg', async () => {
    const server = await liveServer({ limits: { maxFrame: 1_024 } })
    const client = await server.join()
    client.ws.send('x'.repeat(200_000))
    expect(await client.closed).toMatchObject({ code: 1009 })
  })

  test('unknown frame types and fields are ignored', async () => {
    const server = await liveServer()
    const client = await server.join({ colour: 'blue' })
    client.send({ type: 'dance', steps: 3 })
    client.send({ type: 'publish', id: 'p', topic: 't', data: 1, ['__proto__']: null, mood: 'good' })
    expect(await client.next('ack')).toMatchObject({ id: 'p' })
  })

  test('data nested as deep as a frame allows gets an answer, and the server lives on', async () => {
    const server = await liveServer()
    const client = await server.join()
    client.ws.send(`{"type":"publish","id":"p","topic":"t","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    await until(
      () => client.of('ack').length + client.of('nack').length > 0 || client.of('error').length > 0,
      'an answer',
    )
    await server.join()
  })

  test('thousands of mangled frames harm only the connections that send them', async () => {
    const random = seededRandom(7)
    const frames = [
      { type: 'hello', session: 'x', leg: 1, topics: { t: { epoch: 'e', offset: 3 } }, token: 'k', handover: 'h' },
      { type: 'subscribe', id: '1', topics: { t: {}, u: { epoch: 'e', offset: 0 } } },
      { type: 'publish', id: '1', topic: 't', data: { a: [1, null] }, age: 3 },
      { type: 'unsubscribe', topics: ['t'] },
      { type: 'auth', token: 'k' },
    ].map((frame) => JSON.stringify(frame))
    const pieces = [
      '{',
      '}',
      '"',
      ',',
      ':',
      '[',
      ']',
      'null',
      '-1',
      '1e999',
      '9007199254740993',
      '"__proto__"',
      '\\u0000',
      '"t"',
      'true',
      '',
    ]
    const pick = <Item>(from: readonly Item[]) => from[Math.floor(random() * from.length)]!
    const server = await liveServer({ heartbeat: 60_000 })
    const witness = await server.join({ topics: { w: {} } })
    for (let round = 0; round < 60; round++) {
      const client = await (random() < 0.8 ? server.join() : server.client())
      for (let count = 0; count < 50 && client.ws.readyState === client.ws.OPEN; count++) {
        let text = pick(frames)
        for (let cuts = Math.floor(random() * 3); cuts >= 0; cuts--) {
          const at = Math.floor(random() * text.length)
          text = text.slice(0, at) + pick(pieces) + text.slice(at + Math.floor(random() * 4))
        }
        client.ws.send(text)
        if (random() < 0.2) await new Promise<void>((resolve) => void setImmediate(resolve))
      }
      client.ws.terminate()
    }
    await server.publish('w', 'still here')
    expect(await witness.next('message')).toMatchObject({ data: 'still here' })
    await until(() => server.stats().connections === 1, 'only the witness')
    expect(server.errors).toEqual([])
    expect(server.stats().topics).toBe(1)
  })

  test.each<[string, number[], number]>([
    ['without a mask', [0x81, 0x01, 0x78], 1002],
    ['with a reserved bit', [0xc1, 0x80, 0, 0, 0, 0], 1002],
    ['with an unknown opcode', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['that continues no message', [0x80, 0x80, 0, 0, 0, 0], 1002],
    ['that is a fragmented ping', [0x09, 0x80, 0, 0, 0, 0], 1002],
    ['that closes with half a code', [0x88, 0x81, 0, 0, 0, 0, 0x03], 1002],
    ['that closes with a reserved code', [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002],
    ['that closes with a reason that is no UTF-8', [0x88, 0x83, 0, 0, 0, 0, 0x03, 0xe8, 0xff], 1007],
    ['that is no UTF-8', [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007],
  ])('a WebSocket frame %s ends its own leg only', async (_, bytes, code) => {
    const server = await liveServer()
    const other = await server.join()
    const client = await server.join()
    ;(client.ws as unknown as { _socket: Socket })._socket.write(Buffer.from(bytes))
    expect(await client.closed).toMatchObject({ code })
    await other.settle()
    expect([server.errors, server.stats().connections]).toEqual([[], 1])
  })

  test('WebSocket pings faster than they can be answered end their own leg only', async () => {
    const server = await liveServer()
    const other = await server.join()
    const client = await server.join()
    for (let at = 0; at < 20_000; at++) client.ws.ping('x'.repeat(125))
    await client.closed
    await other.settle()
    expect([server.errors, server.stats().connections]).toEqual([[], 1])
  })

  test('a message in a thousand fragments ends its own leg only', async () => {
    const server = await liveServer()
    const other = await server.join()
    const client = await server.join()
    for (let at = 0; at < 1_000; at++) client.ws.send('x', { fin: false }, () => undefined)
    await client.closed
    await other.settle()
  })
})

describe('what one client may cost', () => {
  test('a leg that stops reading costs no more than its bound, delays no other leg, and is closed as too slow after a while', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock, limits: { maxBuffered: 200_000 } })
    const [slow, fast] = [await server.join({ topics: { t: {} } }), await server.join({ topics: { t: {} } })]
    await server.publish('t', 'x'.repeat(100_000))
    await slow.next('message')
    await slow.settle()
    slow.ws.pause()
    const before = server.stats().delivered
    // Otherwise the system's buffers would take some megabytes.
    for (let at = 0; at < 100; at++) {
      await server.publish('t', 'x'.repeat(100_000))
      await fast.next('message')
    }
    expect(server.stats().delivered - before).toBeLessThanOrEqual(100 + 4)
    await clock.advance(15_000)
    expect(server.stats().failed).toEqual({})
    for (let at = 0; at < 14; at++) {
      // The client does not read what it is sent, but what it sends is received.
      slow.send({ type: 'ping' })
      fast.send({ type: 'ping' })
      await fast.next('pong')
      await clock.advance(5_000)
    }
    expect(server.stats().failed).toEqual({ 'too-slow': 1 })
    await clock.advance(10_000)
    await until(() => server.stats().connections === 1, 'cut off')
    await fast.settle()
  })

  test('a leg that reads again in time goes on where it was, and misses no message that is still stored', async () => {
    const server = await liveServer({ log: memoryLog({ history: { maxBytes: 1e8 } }) })
    const slow = await server.join({ topics: { t: {} } })
    slow.ws.pause()
    for (let at = 0; at < 300; at++) await server.publish('t', 'x'.repeat(50_000))
    await still(() => server.stats().delivered)
    expect(server.stats().delivered).toBeLessThan(300)
    slow.ws.resume()
    await until(() => slow.of('message').length === 300, 'everything')
    expect(slow.of('message').map(({ offset }) => offset)).toEqual(Array.from({ length: 300 }, (_, at) => at + 1))
    expect(server.stats().failed).toEqual({})
  })

  test('a message larger than maxBuffered is still sent, and its reader is not closed for it', async () => {
    const server = await liveServer({
      limits: { maxFrame: 4 * 1024 * 1024, maxBuffered: 50_000 },
      log: memoryLog({ history: { maxBytes: 1e8 } }),
    })
    const client = await server.join({ topics: { t: {} } })
    for (let at = 0; at < 5; at++) await server.publish('t', 'x'.repeat(3_000_000))
    await until(() => client.of('message').length === 5, 'all of them')
    expect(server.stats().failed).toEqual({})
  })

  test('a large frame is accepted over a network that cuts it into small segments', async () => {
    const server = await liveServer({
      authorize: () => true,
      limits: { maxFrame: 4 * 1024 * 1024 },
      log: memoryLog({ history: { maxBytes: 1e8 } }),
    })
    const client = await rawClient(await cuttingPath(server.address(), { slice: 536 }))
    onTestFinished(() => client.ws.terminate())
    await client.hello()
    client.send({ type: 'publish', id: '1', n: 1, topic: 't', data: 'x'.repeat(1_500_000) })
    expect(await client.next('ack')).toMatchObject({ id: '1', offset: 1 })
  }, 20_000)

  test('a network that passes one byte at a time, both ways, only slows frames down', async () => {
    const server = await liveServer()
    const weather = { slice: 65_536 }
    const socket = createLiveSocket({
      url: await cuttingPath(server.address(), weather),
      environment: { WebSocket },
    })
    const got: unknown[] = []
    socket.subscribe('t', (data) => void got.push(data))
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    weather.slice = 1
    for (const text of ['é漢🙂', 'x'.repeat(300)]) await socket.publish('t', text)
    await until(() => got.length === 2, 'both')
    socket.close()
    expect(got).toEqual(['é漢🙂', 'x'.repeat(300)])
    expect(server.stats().failed).toEqual({})
  })

  test('a client that reads is never closed because the server publishes in a loop', async () => {
    const server = await liveServer()
    const clients = await Promise.all(Array.from({ length: 3 }, () => server.join({ topics: { rows: {} } })))
    const row = 'x'.repeat(300)
    for (let at = 0; at < 10_000; at++) await server.publish('rows', row)
    await until(() => clients.every((client) => client.of('message').length === 10_000), 'every row')
    expect(server.stats().failed).toEqual({})
    for (const client of clients)
      expect(client.of('message').every(({ offset, prev }, at) => offset === at + 1 && prev === undefined)).toBe(true)
  }, 20_000)

  test.each([
    ['publishes again and again', 5_000],
    ['published much before the first answer', 100],
  ])('a leg that %s without reading its answers is paused, and closed as too slow in the end', async (_, count) => {
    const clock = createSimulatedClock()
    let open = () => undefined as void
    const passed = new Promise<void>((resolve) => void (open = resolve))
    const server = await liveServer({ clock, onPublish: async () => (await passed, { answer: 'x'.repeat(500_000) }) })
    const client = await server.join()
    client.ws.pause()
    for (let at = 0; at < count; at++) client.send({ type: 'publish', id: `${at}`, topic: 't', data: 1 })
    await still(() => client.ws.bufferedAmount)
    open()
    await still(() => server.stats().published)
    expect(server.stats().published).toBeLessThan(50)
    await clock.advance(120_000)
    await until(() => server.stats().connections === 0, 'cut off')
    expect(server.stats().failed).toEqual({ 'too-slow': 1 })
  })

  test('topics with readers are bounded by maxTopicsRead: one more is refused by name, and its leg gets all others', async () => {
    const server = await liveServer({ limits: { maxTopicsRead: 3 } })
    await server.join({ topics: { a: {}, b: {} } })
    const client = await server.client()
    const welcome = await client.hello({ topics: { b: {}, c: {}, d: {} } })
    expect(Object.keys(welcome.topics)).toEqual(['b', 'c'])
    expect(client.of('error')).toMatchObject([
      { code: 'busy', topic: 'd', message: expect.stringContaining('maxTopicsRead'), retryAfter: expect.any(Number) },
    ])
    client.send({ type: 'unsubscribe', topics: ['c'] })
    client.send({ type: 'subscribe', id: '1', topics: { d: {} } })
    expect(await client.next('subscribed')).toMatchObject({ id: '1', topics: { d: { offset: 0 } } })
  })

  test('a hundred legs with a hundred topics each leave room in the log for the next client', async () => {
    const server = await liveServer()
    for (let at = 0; at < 101; at++)
      await server.join({
        topics: Object.fromEntries(Array.from({ length: 100 }, (_, topic) => [`room:${at}:${topic}`, {}])),
      })
    const welcome = await (await server.client()).hello({ topics: { 'user:ada': {} } })
    expect(welcome.topics).toMatchObject({ 'user:ada': { offset: 0 } })
    expect(server.stats()).toMatchObject({ topics: 10_101, log: { topics: 10_101, unread: 0 } })
    expect(server.errors).toEqual([])
  }, 20_000)

  test('a client that reads gets all its answers, however large', async () => {
    const server = await liveServer({
      limits: { maxBuffered: 20_000 },
      onPublish: () => ({ answer: 'x'.repeat(500_000) }),
    })
    const client = await server.join()
    for (let at = 0; at < 60; at++) client.send({ type: 'publish', id: `${at}`, topic: 't', data: 1 })
    await until(() => client.of('ack').length === 60, 'every answer')
    expect(server.stats().failed).toEqual({})
  })

  test('a leg that does not read thousands of refusals is sent no more than its buffer takes, and is closed in the end', async () => {
    const clock = createSimulatedClock()
    let open = () => undefined as void
    const passed = new Promise<boolean>((resolve) => void (open = () => resolve(true)))
    const server = await liveServer({ clock, authorize: () => passed })
    const client = await server.join()
    client.ws.pause()
    const topics = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`${at}`, {}]))
    for (let at = 0; at < 20; at++) client.send({ type: 'subscribe', id: `${at}`, topics })
    await still(() => client.ws.bufferedAmount)
    open()
    await clock.advance(120_000)
    await until(() => server.stats().connections === 0, 'cut off')
    expect(server.stats().failed).toEqual({ 'too-slow': 1 })
    client.ws.resume()
    await until(() => client.ws.readyState === WebSocket.CLOSED, 'closed')
    // At most what the system's buffers took.
    expect(client.of('error').length).toBeLessThan(200_000 / 2)
  })

  test('a long replay is sent as fast as its reader reads, and a slow reader is not closed for it', async () => {
    const server = await liveServer({ log: memoryLog({ history: { maxBytes: 1e8 } }) })
    for (let at = 0; at < 100; at++) await server.publish('t', 'x'.repeat(200_000))
    const client = await server.client()
    client.send({ type: 'hello', session: 's', leg: 1, topics: { t: { epoch: 'other', offset: 0 } } })
    client.ws.pause()
    await still(() => server.stats().delivered)
    expect(server.stats().delivered).toBeLessThan(100)
    client.ws.resume()
    await until(() => client.of('message').length === 100, 'the whole replay')
    expect(client.of('message').map(({ offset }) => offset)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1))
    expect(server.stats().failed).toEqual({})
  })

  test.each([
    ['more', { maxQueued: 8 }],
    ['larger ones', { maxQueued: 1e6, maxQueuedBytes: 800_000 }],
  ])(
    'a client that publishes faster than it is answered, %s than may wait, is paused for a while, and nothing is lost',
    async (_, limits) => {
      let open = () => undefined as void
      const passed = new Promise<void>((resolve) => void (open = resolve))
      const server = await liveServer({ limits: { ...limits, byteBurst: 1e9 }, onPublish: () => passed })
      const client = await server.join()
      for (let at = 0; at < 200; at++)
        client.send({ type: 'publish', id: `${at}`, topic: 't', data: 'x'.repeat(100_000) })
      await still(() => client.ws.bufferedAmount)
      expect(client.ws.bufferedAmount).toBeGreaterThan(1_000_000)
      open()
      await until(() => client.of('ack').length === 200, 'every answer')
      expect(client.of('ack').map(({ offset }) => offset)).toEqual(Array.from({ length: 200 }, (_, at) => at + 1))
    },
  )

  test.each([
    ['connections', { maxConnections: 2 }, true],
    ['connections that are not welcomed', { maxPending: 1 }, false],
  ])('too many %s: the next one gets busy', async (_, limits, welcomed) => {
    const server = await liveServer({ limits })
    if (welcomed) await server.join()
    const pending = await server.client()
    const one = await server.client()
    expect(await one.next('error')).toMatchObject({ code: 'busy', retryAfter: expect.any(Number) })
    expect(await one.closed).toMatchObject({ code: 1013 })
    await pending.hello()
    if (!welcomed) await (await server.client()).hello()
  })
})

describe('a connection that has not said hello', () => {
  test('and was refused keeps nobody else out', async () => {
    const server = await liveServer({ limits: { maxPending: 2, maxConnections: 3 } })
    const silent = [await server.client(), await server.client()]
    // Clients that are turned away, and do not read it.
    const away = await Promise.all(Array.from({ length: 5 }, () => server.client()))
    for (const { ws } of away) ws.pause()
    for (const { ws } of silent) ws.terminate()
    await until(() => server.stats().connections <= 5, 'the silent ones are gone')
    await (await server.client()).hello()
  })

  test('makes room for another address, and gets busy', async () => {
    const server = await liveServer({ limits: { maxPending: 3 } })
    const flood = [
      await server.client({ localAddress: '127.0.0.2' }),
      await server.client({ localAddress: '127.0.0.2' }),
      await server.client({ localAddress: '127.0.0.2' }),
    ]
    const honest = await server.client()
    expect(await flood[0]!.next('error')).toMatchObject({ code: 'busy', retryAfter: expect.any(Number) })
    await honest.hello()
    await flood[1]!.hello()
  })

  test('gets a place and a turn with authenticate although another address holds all places', async () => {
    const answers: (() => void)[] = []
    const asked: string[] = []
    const server = await liveServer({
      limits: { maxPending: 4, maxAuthenticating: 1 },
      authenticate: async ({ token }) => {
        asked.push(token!)
        await new Promise<void>((resolve) => answers.push(resolve))
        return { subject: token! }
      },
    })
    const flood = []
    for (let at = 0; at < 4; at++) {
      const client = await server.client({ localAddress: '127.0.0.2' })
      client.send({ type: 'hello', session: `flood-${at}`, leg: 1, topics: {}, token: `flood ${at}` })
      await until(() => server.stats().admission.waiting === at, 'it waits')
      flood.push(client)
    }
    const honest = await server.client()
    // The last one of those that wait yields; the first may be greeted any moment.
    expect(await flood[3]!.next('error')).toMatchObject({ code: 'busy', retryAfter: expect.any(Number) })
    honest.send({ type: 'hello', session: 'honest', leg: 1, topics: {}, token: 'honest' })
    await until(() => server.stats().admission.waiting === 3, 'the honest one waits')
    for (let at = 0; at < 3; at++) {
      await until(() => answers.length > at, 'the next is asked about')
      answers[at]!()
    }
    await honest.next('welcome')
    expect(asked.indexOf('honest')).toBeLessThanOrEqual(2)
    for (const answer of answers) answer()
  })

  test('counts under the address of the client behind a trusted proxy', async () => {
    const server = await liveServer({ limits: { maxPending: 2 }, trustedProxies: 1 })
    const from = (address: string) => server.client({ headers: { 'x-forwarded-for': `198.51.100.1, ${address}` } })
    const flood = [await from('203.0.113.1'), await from('203.0.113.1')]
    await (await from('203.0.113.2')).hello()
    expect(await flood[0]!.closed).toMatchObject({ code: 1013 })
  })

  test('is closed where it sends more than the largest hello', async () => {
    const server = await liveServer({ limits: { maxTopics: 100 } })
    const client = await server.client()
    for (let at = 0; at < 5; at++) client.ws.send(`"${'x'.repeat(50_000)}"`, { fin: false })
    expect(await client.next('error')).toMatchObject({
      code: 'too-large',
      message: expect.stringMatching(/hello.*bytes/),
    })
    expect(await client.closed).toMatchObject({ code: 1009 })
  })

  test('is closed where it sends its hello byte by byte', async () => {
    const server = await liveServer()
    const client = await server.client()
    for (let at = 0; at < 40 && client.ws.readyState === client.ws.OPEN; at++) {
      client.ws.send(at === 0 ? '"' : 'x', { fin: false })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await client.closed
    expect(server.stats().failed).toEqual({ protocol: 1 })
  })

  test('may send a hello with 100 topics of the longest names and a large token', async () => {
    const server = await liveServer()
    const names = Array.from({ length: 100 }, (_, at) => `${'語'.repeat(252)}${1_000 + at}`)
    const client = await server.join({
      token: 't'.repeat(60_000),
      topics: Object.fromEntries(
        names.map((name) => [name, { epoch: 'e'.repeat(64), offset: Number.MAX_SAFE_INTEGER }]),
      ),
    })
    expect(client.of('error')).toEqual([])
  })

  test('shares maxPendingBytes with all others: the oldest unfinished hello is closed first', async () => {
    const server = await liveServer({ limits: { maxPendingBytes: 100_000 } })
    const [first, second] = [await server.client(), await server.client()]
    first.ws.send('x'.repeat(60_000), { fin: false })
    await until(() => first.ws.bufferedAmount === 0, 'sent')
    second.ws.send('x'.repeat(60_000), { fin: false })
    await first.closed
    expect(server.stats().failed).toEqual({ busy: 1 })
    await (await server.client()).hello()
  })

  test('is refused over maxPerAddress, and another address gets in', async () => {
    const server = await liveServer({ limits: { maxPerAddress: 1 } })
    await server.join()
    expect(await (await server.client()).next('error')).toMatchObject({ code: 'busy' })
    await (await server.client({ localAddress: '127.0.0.2' })).hello()
  })
})

describe('invalid options are refused at once, by name', () => {
  test.each<[string, Partial<LiveServerOptions>]>([
    ['authenticate', { authenticate: undefined as never }],
    ['server or port', { port: undefined }],
    ['server or port', { noServer: true }],
    ['an HTTP server', { port: undefined, server: (() => undefined) as never }],
    ['an HTTP server', { port: undefined, server: { listen() {} } as never }],
    ['trustedProxies', { trustedProxies: -1 }],
    ['path', { path: 'live' }],
    ['path', { path: '/live?x' }],
    ['id', { id: '' }],
    ['heartbeat', { heartbeat: Number.NaN }],
    ['heartbeat', { heartbeat: 10 }],
    ['heartbeat', { heartbeat: Infinity }],
    ['heartbeat', { heartbeat: 300_001 }],
    ['path', { path: 7 as never }],
    ['id', { id: 'i'.repeat(129) }],
    ['id', { id: 42 as never }],
    ['authorize', { authorize: true as never }],
    ['onPublish', { onPublish: 'yes' as never }],
    ['onRequest.add', { onRequest: { add: 1 as never } }],
    ['tellPublisher', { tellPublisher: 'yes' as never }],
    ['schemas', { schemas: 'none' as never }],
    ['schemas.chat', { schemas: { chat: {} as never } }],
    ['schemas.chat', { schemas: { chat: null as never } }],
    ['methods.add', { methods: { add: 5 as never } }],
    ['methods.add.input', { methods: { add: { input: (() => true) as never } } }],
    ['log', { log: {} as never }],
    ['log', { log: 'redis://localhost' as never }],
    ['port', { port: null as never }],
    ['registry', { registry: {} as never }],
    ['tracing', { tracing: {} as never }],
    ['presence', { presence: true as never }],
    ['reconnectSpread', { reconnectSpread: 300_001 }],
    ['reconnectSpread', { reconnectSpread: null as never }],
    ['reconnectSpread.rate', { reconnectSpread: { rate: Infinity } }],
    ['limits', { limits: null as never }],
    ['limits.maxFrame', { limits: { maxFrame: Infinity } }],
    ['limits.maxFrame', { limits: { maxFrame: 16 * 1024 * 1024 } }],
    ['limits.maxConnections', { limits: { maxConnections: 0.5 } }],
    ['limits.helloTimeout', { limits: { helloTimeout: 1e16 } }],
    ['reconnectSpread', { reconnectSpread: -1 }],
    ['reconnectSpread.rate', { reconnectSpread: { rate: 0 } }],
    ['limits.maxFrame', { limits: { maxFrame: 10 } }],
    ['limits.maxTopics', { limits: { maxTopics: '5' as never } }],
    ['limits.maxSpeed', { limits: { maxSpeed: 5 } as never }],
    ['allowedOrigins', { allowedOrigins: ['example.com'] }],
    ['allowedOrigins', { allowedOrigins: ['https://example.com/'] }],
    ['allowedOrigins', { allowedOrigins: 'https://example.com' as never }],
  ])('%s', (name, options) => {
    expect(() => createLiveServer({ port: 0, authenticate: () => ({}), ...options })).toThrow(
      expect.objectContaining({ name: 'LiveSocketError', code: 'invalid', message: expect.stringContaining(name) }),
    )
  })
})

test.each<[string, Partial<LiveServerOptions>]>([
  [
    'fractions of a byte and of a millisecond',
    { heartbeat: 1_000.7, reconnectSpread: 0.5, limits: { maxFrame: 1_024.9, helloTimeout: 1_000.5, maxTopics: 3.5 } },
  ],
  ['the smallest values', { heartbeat: 1_000, reconnectSpread: 0, limits: { maxFrame: 1_024 } }],
  [
    'the largest values',
    {
      heartbeat: 300_000,
      reconnectSpread: 300_000,
      id: 'i'.repeat(128),
      limits: { maxFrame: 16 * 1024 * 1024 - 65_536, helloTimeout: 86_400_000 },
    },
  ],
])('clients can read the welcome of a server with options set to %s', async (_, options) => {
  const server = await liveServer(options)
  const socket = createLiveSocket({ url: server.address(), environment: { WebSocket } })
  const invalid: unknown[] = []
  socket.on('invalid', (what) => invalid.push(what))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  socket.close()
  expect(invalid).toEqual([])
})

test('end() refuses a reason that is too long for clients, and the longest one allowed can be read', async () => {
  const server = await liveServer()
  const client = await server.join()
  for (const reason of ['r'.repeat(4_097), 7 as never])
    await expect(server.end(() => true, reason)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('reason'),
    })
  await expect(server.end('everybody' as never)).rejects.toMatchObject({ code: 'invalid' })
  await client.settle()
  expect(await server.end(() => true, 'r'.repeat(4_096))).toBe(1)
  expect(decodeServerFrame(JSON.stringify(await client.next('error')))).toMatchObject({
    code: 'session-ended',
    message: 'r'.repeat(4_096),
  })
})

test('an upgrade that fails counts as no connection', async () => {
  const server = await liveServer()
  const { port } = new URL(server.address())
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(Number(port), '127.0.0.1')
    let text = ''
    socket.on('data', (data) => void (text += data)).on('close', () => resolve(text))
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Protocol: livesocket.v1\r\n\r\n',
    )
  })
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(server.stats()).toMatchObject({ opened: 0, connections: 0 })
})
