import { describe, expect, test } from 'vitest'
import { memoryLog, Refused } from '../../../src/server/index.js'
import { createSimulatedClock, liveServer, until } from '../kit.js'

const never = () => new Promise<never>(() => undefined)
const boom = () => {
  throw new Error('boom')
}
const hello = { type: 'hello', session: 's', leg: 1, topics: {} }

describe('authentication of a hello', () => {
  test.each([
    ['null', () => null],
    ['false', () => false as const],
    ['nothing', () => undefined],
  ])('answers unauthorized where authenticate returns %s', async (_, authenticate) => {
    const server = await liveServer({ authenticate })
    const client = await server.client()
    client.send(hello)
    expect(await client.next('error')).toEqual({ type: 'error', code: 'unauthorized', message: expect.any(String) })
    expect(await client.closed).toEqual({ code: 3000, reason: 'unauthorized' })
    expect(server.stats().failed).toEqual({ unauthorized: 1 })
  })

  test.each([
    ['a throw from authenticate', boom],
    ['a rejection', () => Promise.reject(new Error('boom'))],
    ['a user whose subject is a number', () => ({ subject: 42 })],
    ['one whose subject is null', () => ({ subject: null })],
    ['one whose subject is empty', () => ({ subject: '' })],
    ['a tokenTtl of NaN', () => ({ subject: 'ann', tokenTtl: Number.NaN })],
    ['a tokenTtl that is text', () => ({ subject: 'ann', tokenTtl: '500' })],
    ['a tokenTtl without end', () => ({ subject: 'ann', tokenTtl: Infinity })],
    ['a tokenTtl that is a date', () => ({ subject: 'ann', tokenTtl: 1_790_000_000_000 })],
    [
      'a user that cannot be read',
      () => ({
        get subject() {
          return boom()
        },
      }),
    ],
  ])(
    'server rule 10: %s is no verdict on the token: the client gets busy with a time to come back, and the operator the reason',
    async (_, authenticate) => {
      const server = await liveServer({ authenticate: authenticate as never })
      const client = await server.client()
      client.send({ ...hello, token: 'a token' })
      expect(await client.next('error')).toEqual({
        type: 'error',
        code: 'busy',
        message: expect.not.stringContaining('boom'),
        retryAfter: expect.any(Number),
      })
      expect(await client.closed).toEqual({ code: 1013, reason: 'busy' })
      expect(server.errors).toHaveLength(1)
    },
  )

  test('tells the operator once that the users let in have no subject', async () => {
    const server = await liveServer<object>({ authenticate: () => ({ name: 'ann' }) })
    await server.join()
    await server.join()
    expect(server.errors).toMatchObject([{ code: 'invalid', message: expect.stringContaining('subject') }])
  })

  test('gives authenticate the token, the session and the request, and aborts its signal when it takes too long', async () => {
    const clock = createSimulatedClock()
    const asks: { token?: string; session: string; cookie: string | undefined; signal: AbortSignal }[] = []
    const server = await liveServer({
      clock,
      limits: { helloTimeout: 3_000 },
      authenticate: ({ token, session, request, signal }) => (
        asks.push({ token, session, cookie: request.headers.cookie, signal }), never()
      ),
    })
    const client = await server.client({ headers: { cookie: 'a=b' } })
    client.send({ ...hello, token: 'secret' })
    await until(() => asks.length === 1, 'asked')
    expect(asks[0]).toMatchObject({ token: 'secret', session: 's', cookie: 'a=b', signal: { aborted: false } })
    await clock.advance(3_000)
    expect(await client.next('error')).toMatchObject({ code: 'busy', retryAfter: expect.any(Number) })
    expect(await client.closed).toMatchObject({ code: 1013 })
    expect(asks[0]!.signal.aborted).toBe(true)
    expect(server.errors).toMatchObject([{ code: 'timeout', message: expect.stringContaining('3000 ms') }])
  })

  test('still welcomes a client whose answer came while the process stood still, and gives the log its usual time', async () => {
    const clock = createSimulatedClock()
    let stoodStill = 0
    const answers: (() => void)[] = []
    const log = memoryLog()
    let away = false
    const server = await liveServer({
      clock: { ...clock, monotonic: () => clock.monotonic() + stoodStill, now: () => clock.now() + stoodStill },
      authenticate: () =>
        new Promise<{ subject: string }>((resolve) => void answers.push(() => resolve({ subject: 'ann' }))),
      log: { ...log, admit: (...ask) => (away ? never() : log.admit(...ask)) },
    })
    const [first, second] = [await server.client(), await server.client()]
    for (const client of [first, second]) client.send({ ...hello, session: client === first ? 'a' : 'b' })
    await until(() => answers.length === 2, 'both are asked about')
    stoodStill = 12_000
    answers[0]!()
    expect(await first.next('welcome')).toMatchObject({ type: 'welcome' })
    away = true
    answers[1]!()
    await clock.advance(9_000)
    expect(second.frames).toEqual([])
    await clock.advance(5_000)
    expect(await second.next('error')).toMatchObject({ code: 'busy', message: expect.stringContaining('log') })
  })

  test('aborts the call of authenticate when its client goes away', async () => {
    const signals: AbortSignal[] = []
    const server = await liveServer({ authenticate: ({ signal }) => (signals.push(signal), never()) })
    const client = await server.client()
    client.send(hello)
    await until(() => signals.length === 1, 'asked')
    client.ws.terminate()
    await until(() => signals[0]!.aborted && server.stats().connections === 0, 'told')
  })

  test('tells of the departure of a client that went away while the log was being asked', async () => {
    const log = memoryLog()
    const told: string[] = []
    let answer: (() => void) | undefined
    const server = await liveServer({
      onSession: ({ type }) => void told.push(type),
      log: {
        ...log,
        admit: async (...ask) => (await new Promise<void>((resolve) => void (answer = resolve)), log.admit(...ask)),
      },
    })
    const client = await server.client()
    client.send(hello)
    await until(() => answer !== undefined, 'asked')
    client.ws.terminate()
    await until(() => server.stats().connections === 0, 'gone')
    answer!()
    await until(() => told.length === 2, 'told')
    expect(told).toEqual(['joined', 'left'])
    expect(log.size().sessions).toBe(0)
  })

  test('closes a connection that sends no hello in time', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock })
    const client = await server.client()
    await clock.advance(9_999)
    expect(client.frames).toEqual([])
    await clock.advance(1)
    expect(await client.next('error')).toMatchObject({ code: 'timeout' })
    expect(await client.closed).toMatchObject({ code: 3008 })
  })

  test('leaves no timer behind for a leg that went away while authenticate ran', async () => {
    const clock = createSimulatedClock()
    let asked = false
    const server = await liveServer({ clock, authenticate: () => ((asked = true), never()) })
    const timers = clock.pending
    const client = await server.client()
    client.send(hello)
    await until(() => asked, 'asked')
    client.ws.terminate()
    await until(() => server.stats().connections === 0, 'gone')
    expect(clock.pending).toBe(timers)
  })

  test('answers busy where the log cannot be reached', async () => {
    const server = await liveServer({ log: { ...memoryLog(), admit: () => Promise.reject(new Error('away')) } })
    const client = await server.client()
    client.send(hello)
    expect(await client.next('error')).toMatchObject({ code: 'busy', retryAfter: expect.any(Number) })
    expect(await client.closed).toMatchObject({ code: 1013 })
  })
})

describe('topics', () => {
  const authorize = ({ topic }: { topic: string }) => (topic === 'broken' ? boom() : topic !== 'secret')

  test('each topic asked for is either named in the answer or refused in an error before it', async () => {
    const server = await liveServer({ authorize })
    const client = await server.client()
    expect(Object.keys((await client.hello({ topics: { open: {}, secret: {}, broken: {} } }))['topics'])).toEqual([
      'open',
    ])
    expect(client.frames.map(({ type, code, topic }) => ({ type, code, topic }))).toEqual([
      { type: 'error', code: 'forbidden', topic: 'secret' },
      { type: 'error', code: 'busy', topic: 'broken' },
      { type: 'welcome' },
    ])
    client.send({ type: 'subscribe', id: '7', topics: { secret: {}, more: {} } })
    expect(await client.next('subscribed')).toMatchObject({ id: '7', topics: { more: { offset: 0 } } })
    expect(client.frames.at(-2)).toMatchObject({ type: 'error', code: 'forbidden', topic: 'secret', id: '7' })
    await server.publish('secret', 1)
    await client.settle()
    expect(client.of('message')).toEqual([])
  })

  test('a refusal that the application throws keeps its code and message, for a topic, a publish and a signal', async () => {
    const no = new Refused('members-only', 'Join first.', { price: 5 })
    const server = await liveServer({
      authorize: ({ topic }) => {
        if (topic === 'club') throw no
        if (topic === 'late') throw new Refused('timeout', 'Too late.', undefined, 60_000)
        return true
      },
    })
    const client = await server.join({ topics: {} })
    const told = { code: 'members-only', message: 'Join first.' }
    client.send({ type: 'subscribe', id: '1', topics: { club: {}, late: {} } })
    await client.next('subscribed')
    expect(client.of('error')).toEqual([
      { type: 'error', id: '1', topic: 'club', ...told },
      // On the wire the code `timeout` with a topic means that the topic has no answer yet.
      { type: 'error', id: '1', topic: 'late', code: 'refused', message: 'Too late.', retryAfter: 60_000 },
    ])
    client.send({ type: 'publish', id: '2', topic: 'club', data: 1 })
    expect(await client.next('nack')).toEqual({ type: 'nack', id: '2', ...told, data: { price: 5 } })
    client.send({ type: 'signal', id: '3', topic: 'club', data: 1 })
    expect(await client.next('nack')).toMatchObject({ id: '3' })
  })

  test('where the log cannot be reached, new topics are refused for now, and the leg keeps the topics that it has', async () => {
    const log = memoryLog()
    let away = false
    const server = await liveServer({
      log: { ...log, tail: (...ask) => (away ? Promise.reject(new Error('away')) : log.tail(...ask)) },
    })
    const client = await server.join({ topics: { old: {} } })
    away = true
    client.send({ type: 'subscribe', id: '1', topics: { a: {}, b: {} } })
    for (const topic of ['a', 'b'])
      expect(await client.next('error')).toMatchObject({ code: 'busy', topic, id: '1', retryAfter: expect.any(Number) })
    await server.publish('old', 1)
    expect(await client.next('message')).toMatchObject({ topic: 'old' })
    away = false
    client.send({ type: 'subscribe', id: '2', topics: { a: {} } })
    expect(await client.next('subscribed')).toMatchObject({ id: '2', topics: { a: { offset: 0 } } })
    expect(server.errors).toHaveLength(1)
  })

  test('a second subscribe replaces the first, and an unsubscribe ends it', async () => {
    const server = await liveServer()
    for (let at = 1; at <= 3; at++) await server.publish('t', at)
    const client = await server.join({ topics: { t: {} } })
    const { epoch } = client.frames[0]!['topics'].t
    client.send({ type: 'subscribe', id: '1', topics: { t: { epoch, offset: 1 } } })
    expect(await client.next('subscribed')).toEqual({
      type: 'subscribed',
      id: '1',
      topics: { t: { epoch, offset: 3, after: 1 } },
    })
    await server.publish('t', 4)
    await until(() => client.of('message').length === 3, 'the replay')
    expect(client.of('message').map(({ offset }) => offset)).toEqual([2, 3, 4])
    expect(server.stats().topics).toBe(1)
    client.send({ type: 'unsubscribe', topics: ['t', 'never had'] })
    await client.settle()
    await until(() => server.stats().topics === 0, 'nobody reads it')
    await server.publish('t', 5)
    await client.settle()
    expect(client.of('message')).toHaveLength(3)
  })

  test('a leg gets at most maxTopics topics', async () => {
    const server = await liveServer({ limits: { maxTopics: 2 } })
    const client = await server.client()
    const welcome = await client.hello({ topics: { a: {}, b: {}, c: {} } })
    expect(Object.keys(welcome['topics'])).toEqual(['a', 'b'])
    expect(client.of('error')).toMatchObject([{ code: 'limit', topic: 'c' }])
    client.send({ type: 'unsubscribe', topics: ['a'] })
    client.send({ type: 'subscribe', id: '1', topics: { b: {}, c: {} } })
    expect(Object.keys((await client.next('subscribed'))['topics'])).toEqual(['b', 'c'])
  })

  test('any text is a topic name, also `__proto__` and line breaks', async () => {
    const server = await liveServer()
    const names = ['__proto__', 'constructor', 'a\0b', '*', '{x}', '\r\n', '🦄'.repeat(50), ' ']
    const client = await server.client()
    // As text, because in an object literal __proto__ means something else.
    client.ws.send(
      `{"type":"hello","session":"s","leg":1,"topics":{${names.map((name) => `${JSON.stringify(name)}:{}`).join()}}}`,
    )
    expect(Object.keys((await client.next('welcome'))['topics'])).toEqual(names)
    for (const name of names) {
      await server.publish(name, name)
      expect(await client.next('message')).toMatchObject({ topic: name, data: name })
    }
  })

  test('a client that publishes right after its subscribe gets its own message', async () => {
    const server = await liveServer({
      authorize: async ({ action }) => (
        action === 'subscribe' && (await new Promise((then) => setImmediate(then))), true
      ),
    })
    const client = await server.join()
    client.send({ type: 'subscribe', id: '1', topics: { t: {} } })
    client.send({ type: 'publish', id: 'p', topic: 't', data: 1 })
    await client.next('ack')
    expect(client.frames.map(({ type }) => type)).toEqual(['welcome', 'subscribed', 'message', 'ack'])
  })
})

describe('a fresh token on a live leg', () => {
  const authenticate = ({ token }: { token?: string }) =>
    token?.startsWith('bad') ? null : { subject: token!.split(' ')[0]!, tokenTtl: 60_000 }

  test('is answered with authed, and the leg lives on', async () => {
    const server = await liveServer({ authenticate })
    const client = await server.join({ token: 'ann 1' })
    client.send({ type: 'auth', token: 'ann 2' })
    expect(await client.next('authed')).toEqual({ type: 'authed', tokenTtl: 60_000 })
    await client.settle()
  })

  test.each([
    ['that is not valid is unauthorized', 'bad', 'unauthorized'],
    ['of somebody else ends the session', 'bob 1', 'session-ended'],
  ])('%s', async (_, token, code) => {
    const server = await liveServer({ authenticate })
    const client = await server.join({ token: 'ann 1' })
    client.send({ type: 'auth', token })
    expect(await client.next('error')).toMatchObject({ code })
    expect(await client.closed).toMatchObject({ code: 3000 })
  })

  test('that cannot be checked now leaves the leg alone, and is checked again until it can be answered', async () => {
    const clock = createSimulatedClock()
    let away = false
    const asked: unknown[] = []
    const server = await liveServer({
      clock,
      authenticate: (ask) => (asked.push(ask.token), away ? boom() : authenticate(ask)),
    })
    const client = await server.join({ token: 'ann 1', topics: { t: {} } })
    away = true
    client.send({ type: 'auth', token: 'ann 2' })
    await until(() => asked.length === 2, 'asked')
    await clock.advance(1_000)
    await until(() => asked.length === 3, 'asked again')
    client.send({ type: 'publish', id: 'p', topic: 't', data: 1 })
    expect(await client.next('ack')).toMatchObject({ id: 'p' })
    away = false
    await clock.advance(2_000)
    expect(await client.next('authed')).toEqual({ type: 'authed', tokenTtl: 60_000 })
    expect(asked).toEqual(['ann 1', 'ann 2', 'ann 2', 'ann 2'])
    expect([client.of('error'), server.errors.length]).toEqual([[], 2])
  })

  test('that could not be checked before the old one and its grace ended closes the leg as busy, never as unauthorized', async () => {
    const clock = createSimulatedClock()
    let away = false
    const server = await liveServer({
      clock,
      authenticate: (ask) => (away ? boom() : authenticate(ask)),
      limits: { tokenGrace: 10_000 },
    })
    const client = await server.join({ token: 'ann 1' })
    away = true
    client.send({ type: 'auth', token: 'ann 2' })
    for (let passed = 0; passed < 75_000; passed += 5_000) {
      await clock.advance(5_000)
      if (client.ws.readyState === client.ws.OPEN) await client.settle()
    }
    expect(await client.closed).toMatchObject({ code: 1013 })
    expect(client.of('error')).toMatchObject([{ code: 'busy', retryAfter: expect.any(Number) }])
  })

  test('counts as soon as it is checked, even while a subscribe before it still waits for authorize', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({
      clock,
      authenticate: ({ token }) => ({ subject: 'ann', tokenTtl: token === 'first' ? 3_000 : 60_000 }),
      authorize: () => new Promise<never>(() => undefined),
      limits: { tokenGrace: 0 },
    })
    const client = await server.join({ token: 'first' })
    client.send({ type: 'subscribe', id: '1', topics: { t: {} } })
    client.send({ type: 'auth', token: 'fresh' })
    await client.settle()
    await clock.advance(4_000)
    await client.settle()
    expect([client.of('authed'), client.of('error')]).toEqual([[{ type: 'authed', tokenTtl: 60_000 }], []])
  })

  test('delays no other frame while it is checked, and of several only the newest counts', async () => {
    const answers: ((user: object) => void)[] = []
    const tokens: unknown[] = []
    const server = await liveServer<object>({
      authenticate: ({ token }) =>
        token === 'ann 0'
          ? { subject: 'ann' }
          : (tokens.push(token), new Promise((resolve) => void answers.push(resolve))),
    })
    const client = await server.join({ token: 'ann 0' })
    for (const number of [1, 2, 3]) client.send({ type: 'auth', token: `ann ${number}` })
    client.send({ type: 'publish', id: 'p', topic: 't', data: 1 })
    await client.next('ack')
    expect(tokens).toEqual(['ann 1'])
    answers[0]!({ subject: 'ann', tokenTtl: 1_000 })
    await until(() => answers.length === 2, 'the newest')
    answers[1]!({ subject: 'ann', tokenTtl: 3_000 })
    expect(await client.next('authed')).toEqual({ type: 'authed', tokenTtl: 3_000 })
    expect(tokens).toEqual(['ann 1', 'ann 3'])
  })

  test('may have other rights: the leg loses the topics that it no longer allows', async () => {
    const server = await liveServer<{ subject: string; tokenTtl: number; admin: boolean }>({
      authenticate: ({ token }) => ({ subject: 'ann', tokenTtl: 60_000, admin: token === 'admin' }),
      authorize: ({ topic, user }) => topic === 'open' || user.admin,
    })
    const client = await server.join({ token: 'admin', topics: { open: {}, secret: {} } })
    client.send({ type: 'auth', token: 'plain' })
    expect(await client.next('error')).toMatchObject({ code: 'forbidden', topic: 'secret' })
    await server.publish('secret', 1)
    await server.publish('open', 2)
    await client.next('message')
    expect(client.frames.slice(1)).toMatchObject([
      { type: 'authed' },
      { type: 'error' },
      { type: 'message', topic: 'open' },
    ])
    client.send({ type: 'publish', id: 'p', topic: 'secret', data: 1 })
    expect(await client.next('nack')).toMatchObject({ code: 'forbidden' })
  })

  test('that authenticate accepts although it has expired closes the leg once the grace is over', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({
      clock,
      authenticate: () => ({ tokenTtl: -3_000 }),
      limits: { tokenGrace: 10_000 },
    })
    const client = await server.client()
    expect(await client.hello({ token: 't' })).toMatchObject({ type: 'welcome', tokenTtl: 0 })
    await clock.advance(15_000)
    expect(await client.next('error')).toMatchObject({ code: 'unauthorized' })
  })

  test('in time keeps a leg alive; without one the leg is closed when the token and the grace have run out', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock, authenticate, limits: { tokenGrace: 10_000 } })
    const [renews, forgets] = [await server.join({ token: 'ann' }), await server.join({ token: 'bob' })]
    // Both clients send something, so that it is not silence that ends them.
    const pass = async (seconds: number) => {
      for (let at = 0; at < seconds; at += 5) {
        await clock.advance(5_000)
        for (const client of [renews, forgets]) if (client.ws.readyState === client.ws.OPEN) await client.settle()
      }
    }
    await pass(50)
    renews.send({ type: 'auth', token: 'ann' })
    await renews.next('authed')
    await pass(25)
    expect(await forgets.next('error')).toMatchObject({ code: 'unauthorized' })
    expect(await forgets.closed).toMatchObject({ code: 3000 })
    await renews.settle()
  })
})
