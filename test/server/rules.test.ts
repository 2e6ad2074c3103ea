import { describe, expect, test } from 'vitest'
import { memoryLog, type PresenceChange, type SessionEvent, type TopicLog } from '../../src/server/index.js'
import { createSimulatedClock, liveServer, until } from './kit.js'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** A barrier that a test opens when it wants to. */
function gate() {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => void (open = resolve))
  return { passed, open }
}

describe('server rule 1: a draining server takes no new leg', () => {
  test('it refuses new connections, those without a hello, and those whose hello is being checked', async () => {
    const asked = gate()
    const server = await liveServer({
      authenticate: ({ token }) => (token === 'slow' ? (asked.open(), new Promise<never>(() => undefined)) : {}),
    })
    const stays = await server.join()
    const [silent, slow] = [await server.client(), await server.client()]
    slow.send({ type: 'hello', session: 's', leg: 1, token: 'slow', topics: {} })
    await asked.passed
    void server.drain()
    const late = await server.client()
    for (const leg of [silent, slow, late]) {
      expect(await leg.next('error')).toMatchObject({ code: 'draining' })
      expect(await leg.closed).toMatchObject({ code: 1012 })
    }
    expect(stays.of('error')).toEqual([])
    stays.close()
  })

  test('after a cancelled drain it tells the legs that it asked to stay, and takes new ones again', async () => {
    const server = await liveServer()
    const leg = await server.join({ topics: { t: {} } })
    const cancel = new AbortController()
    const drained = server.drain({ signal: cancel.signal })
    const { id } = await leg.next('handover')
    cancel.abort()
    expect(await leg.next('handover-cancelled')).toEqual({ type: 'handover-cancelled', id })
    expect(await drained).toEqual({ moved: 0, forced: 0 })
    await server.join()
    await server.publish('t', 1)
    await leg.next('message')
  })
})

describe('server rule 2: a leg that was asked to hand over is served in full until it goes or the deadline passes', () => {
  test('then the leg is closed with 1012', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock })
    const leg = await server.join({ topics: { t: {} } })
    const drained = server.drain({ deadline: 5_000 })
    expect(await leg.next('handover')).toMatchObject({ deadline: 5_000 })
    await clock.advance(4_999)
    leg.send({ type: 'publish', id: 'p', topic: 't', data: 1 })
    leg.send({ type: 'subscribe', id: 's', topics: { u: {} } })
    expect(await leg.next('ack')).toMatchObject({ id: 'p', offset: 1 })
    await leg.next('message')
    await leg.next('subscribed')
    await clock.advance(1)
    expect(await leg.next('error')).toMatchObject({ code: 'draining' })
    expect(await leg.closed).toMatchObject({ code: 1012 })
    expect(await drained).toEqual({ moved: 0, forced: 1 })
  })
})

test('server rule 3: a drain never asks more legs in any second than its rate', async () => {
  const clock = createSimulatedClock()
  const server = await liveServer({ clock })
  const legs = await Promise.all(range(1, 25).map(() => server.join()))
  const asked: number[] = []
  for (const leg of legs) void leg.next('handover').then(() => asked.push(clock.monotonic()))
  void server.drain({ rate: 10 })
  // None of them leaves: no more are asked at a time than other servers take.
  for (let ms = 0; ms < 15_000; ms += 50) await clock.advance(50)
  await until(() => asked.length === 25, 'every leg asked')
  for (const from of asked) expect(asked.filter((at) => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(10)
  expect(server.stats().asked).toBe(25)
})

describe("server rule 4: a leg's publishes", () => {
  test('are applied one at a time, in the order of arrival', async () => {
    let running = 0
    const order: string[] = []
    const server = await liveServer({
      async onPublish({ id }) {
        expect(++running).toBe(1)
        // The later ones are faster.
        for (let turn = order.length; turn < 5; turn++) await new Promise<void>((resolve) => void setImmediate(resolve))
        order.push(id)
        running--
      },
    })
    const leg = await server.join()
    const ids = range(1, 6).map((at) => `p${at}`)
    for (const id of ids) leg.send({ type: 'publish', id, topic: 't', data: id })
    for (const [at, id] of ids.entries()) expect(await leg.next('ack')).toEqual({ type: 'ack', id, offset: at + 1 })
    expect(order).toEqual(ids)
    expect(server.errors).toEqual([])
  })

  test('are answered before the leg is closed at the end of a drain', async () => {
    const { passed, open } = gate()
    const server = await liveServer({ onPublish: () => passed })
    const leg = await server.join()
    for (const id of ['a', 'b']) leg.send({ type: 'publish', id, topic: 't', data: 1 })
    await until(() => server.stats().published === 1, 'the first publish under way')
    const drained = server.drain({ deadline: 0 })
    await leg.next('handover').catch(() => undefined)
    open()
    await leg.closed
    expect(leg.frames.map(({ type, id, code }) => ({ type, id, code })).slice(-3)).toMatchObject([
      { type: 'ack', id: 'a' },
      { type: 'ack', id: 'b' },
      { type: 'error', code: 'draining' },
    ])
    expect(await drained).toEqual({ moved: 0, forced: 1 })
  })

  test('when a session is ended, the one under way is answered before the leg closes, and those behind it are not applied', async () => {
    const { passed, open } = gate()
    const server = await liveServer({ onPublish: () => passed })
    const reader = await server.join({ topics: { t: {} } })
    const leg = await server.join({ session: 'mine', topics: { t: {} } })
    for (const id of ['a', 'b']) leg.send({ type: 'publish', id, topic: 't', data: id })
    await until(() => server.stats().published === 1, 'the first publish under way')
    expect(await server.end(({ session }) => session === 'mine')).toBe(1)
    open()
    expect(await leg.closed).toMatchObject({ code: 3000 })
    expect(leg.frames.map(({ type }) => type)).toEqual(['welcome', 'ack', 'error'])
    await server.publish('t', 'last')
    await until(() => reader.of('message').length === 2, 'two messages')
    expect(reader.of('message').map(({ data }) => data)).toEqual(['a', 'last'])
  })

  test('do not keep a leg open for longer than answerTimeout', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({
      clock,
      onPublish: () => new Promise<never>(() => undefined),
      limits: { answerTimeout: 500 },
    })
    const leg = await server.join()
    leg.send({ type: 'publish', id: 'a', topic: 't', data: 1 })
    await until(() => server.stats().published === 1, 'the publish under way')
    void server.drain({ deadline: 0 })
    await clock.advance(500)
    expect(await leg.closed).toMatchObject({ code: 1012 })
  })
})

describe('server rule 5: an id is applied once', () => {
  test('a repeat gets the first answer, on any leg and any server', async () => {
    const log = memoryLog()
    let asked = 0
    const onPublish = () => ({ answer: { asked: ++asked } })
    const [blue, green] = [await liveServer({ log, onPublish }), await liveServer({ log, onPublish })]
    const [old, fresh] = [
      await blue.join({ session: 's', leg: 1 }),
      await green.join({ session: 's', leg: 2, topics: { t: {} } }),
    ]
    const publish = { type: 'publish', id: 'p', topic: 't', data: 1 }
    old.send(publish)
    const answer = await old.next('ack')
    expect(answer).toEqual({ type: 'ack', id: 'p', offset: 1, data: { asked: 1 } })
    for (const [leg, frame] of [
      [fresh, { ...publish, age: 20 }],
      [old, publish],
      [fresh, publish],
    ] as const) {
      leg.send(frame)
      expect(await leg.next('ack')).toEqual(answer)
    }
    expect(asked).toBe(1)
    expect((await log.head('t')).offset).toBe(1)
  })

  test('a repeat that comes while the first copy is being decided gets the same answer', async () => {
    const log = memoryLog()
    const { passed, open } = gate()
    let asked = 0
    const onPublish = async () => (asked++, passed)
    const [blue, green] = [await liveServer({ log, onPublish }), await liveServer({ log, onPublish })]
    const legs = [await blue.join({ session: 's', leg: 1 }), await green.join({ session: 's', leg: 2 })] as const
    for (const leg of legs) leg.send({ type: 'publish', id: 'p', topic: 't', data: 1, age: 0 })
    await until(() => blue.stats().published + green.stats().published === 2, 'both arrived')
    open()
    for (const leg of legs) expect(await leg.next('ack')).toEqual({ type: 'ack', id: 'p', offset: 1 })
    expect(asked).toBe(1)
  })

  test('a repeat older than the records of the log is outcome-unknown, and is not applied', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock, log: memoryLog({ clock }) })
    await clock.advance(60_000)
    // The session may be older than this log, so the log cannot know its past.
    const leg = await server.join({ leg: 7, topics: { t: {} } })
    leg.send({ type: 'publish', id: 'old', topic: 't', data: 1, age: 60_001 })
    expect(await leg.next('nack')).toMatchObject({ id: 'old', code: 'outcome-unknown' })
    leg.send({ type: 'publish', id: 'young', topic: 't', data: 2, age: 50_000 })
    expect(await leg.next('ack')).toMatchObject({ id: 'young', offset: 1 })
    await leg.settle()
    expect(leg.of('message')).toMatchObject([{ data: 2 }])
  })

  test('the age of a repeat includes the time that it may have been on its way', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock, log: memoryLog({ clock }) })
    await clock.advance(3_000)
    const leg = await server.join({ leg: 7 })
    await clock.advance(4_000)
    leg.send({ type: 'publish', id: 'p', topic: 't', data: 1, age: 3_500 })
    expect(await leg.next('nack')).toMatchObject({ code: 'outcome-unknown' })
  })

  test('a refusal is final, but one with retryAfter is not', async () => {
    const { PublishRefused } = await import('../../src/server/index.js')
    const refusals = [new PublishRefused('later', 'not now', 50), new PublishRefused('never', 'no')]
    const server = await liveServer({
      onPublish() {
        const refusal = refusals.shift()
        if (refusal) throw refusal
      },
    })
    const leg = await server.join()
    const publish = () => leg.send({ type: 'publish', id: 'p', topic: 't', data: 1 })
    publish()
    expect(await leg.next('nack')).toEqual({ type: 'nack', id: 'p', code: 'later', message: 'not now', retryAfter: 50 })
    for (let time = 0; time < 2; time++) {
      publish()
      expect(await leg.next('nack')).toEqual({ type: 'nack', id: 'p', code: 'never', message: 'no' })
    }
  })
})

test('server rule 6: a message that is published while a leg subscribes reaches it once, after the frame that names the topic', async () => {
  const server = await liveServer()
  await server.publish('t', 0)
  let publishing = true
  const publisher = (async () => {
    for (let at = 1; publishing; at++) {
      await server.publish('t', at)
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
  })()
  const legs = await Promise.all(
    range(1, 20).map(async (at) => {
      const leg = await server.client()
      await leg.hello({ topics: at % 2 ? { t: {} } : {} })
      if (at % 2 === 0) leg.send({ type: 'subscribe', id: 'x', topics: { t: {} } })
      await leg.next('message')
      return leg
    }),
  )
  publishing = false
  await publisher
  const { offset } = await server.publish('t', 'last')
  for (const leg of legs) {
    await until(() => leg.of('message').at(-1)!['data'] === 'last', 'the last message')
    const naming = leg.frames.findIndex((frame) => frame['topics']?.t)
    const first = leg.frames.findIndex(({ type }) => type === 'message')
    expect(naming).toBeLessThan(first)
    expect(leg.of('message').map((message) => message['offset'])).toEqual(
      range(leg.frames[naming]!['topics'].t.after + 1, offset),
    )
  }
})

test('server rule 6: no message of a topic comes before the frame that names it, even where the server has it in memory', async () => {
  const server = await liveServer()
  const reader = await server.join({ topics: { t: {} } })
  const { epoch } = reader.frames[0]!['topics'].t as { epoch: string }
  for (let at = 1; at <= 3; at++) await server.publish('t', at)
  const back = await server.join({ topics: { t: { epoch, offset: 1 } } })
  back.send({ type: 'subscribe', id: '1', topics: { t: { epoch, offset: 2 } } })
  await until(() => back.of('message').length === 3, 'both replays')
  expect(back.frames.map(({ type, offset }) => offset ?? type)).toEqual(['welcome', 2, 3, 'subscribed', 3])
})

describe('server rule 7: an older leg of a session is served beside a newer one', () => {
  test('both are served, and presence ends with the last of them', async () => {
    const log = memoryLog()
    const told: string[] = []
    const onSession = ({ type, session }: { type: string; session: string }) => void told.push(`${session} ${type}`)
    const [blue, green] = [await liveServer({ log, onSession }), await liveServer({ log, onSession })]
    const old = await blue.join({ session: 's', leg: 1, topics: { t: {} } })
    const fresh = await green.join({ session: 's', leg: 2, topics: { t: {} } })
    await blue.publish('t', 1)
    await Promise.all([old.next('message'), fresh.next('message')])
    old.close()
    await old.closed
    await fresh.settle()
    await until(() => blue.stats().connections === 0, 'the old leg gone')
    expect(told).toEqual(['s joined'])
    fresh.close()
    await until(() => told.length === 2, 'told that it left')
    expect(told).toEqual(['s joined', 's left'])
  })

  test('a change of presence that comes from the log is reported by exactly one server', async () => {
    const listeners = new Set<(change: PresenceChange) => boolean>()
    const log: TopicLog = {
      ...memoryLog(),
      presence: (listener) => (listeners.add(listener), () => void listeners.delete(listener)),
    }
    const tell = (change: PresenceChange) => [...listeners].some((listener) => listener(change))
    const told: unknown[] = []
    const servers = [1, 2].map((server) => ({
      log,
      authenticate: () => ({ name: 'ann' }),
      onSession: (event: SessionEvent<{ name: string }>) => {
        told.push([server, event])
        if (event.session === 'trouble') throw new Error('no')
      },
    }))
    const [one, two] = [await liveServer(servers[0]), await liveServer(servers[1])]
    await liveServer({ log })
    expect(listeners.size).toBe(2)
    await two.join({ session: 'there' })
    told.length = 0
    expect(tell({ type: 'left', session: 's', subject: 'bob' })).toBe(true)
    expect(tell({ type: 'joined', session: 'there' })).toBe(true)
    expect(tell({ type: 'joined', session: 'nowhere' })).toBe(false)
    expect(tell({ type: 'left', session: 'trouble' })).toBe(true)
    expect(told).toEqual([
      [1, { type: 'left', session: 's', subject: 'bob' }],
      [2, { type: 'joined', session: 'there', user: { name: 'ann' } }],
      [1, { type: 'left', session: 'trouble' }],
    ])
    expect(one.errors).toHaveLength(1)
    await one.close()
    expect(listeners.size).toBe(1)
  })

  test('a log that does not answer release() delays the close of a server by 10 s at most', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock, log: { ...memoryLog(), release: () => new Promise(() => undefined) } })
    const leg = await server.join()
    const closed = server.close()
    await leg.closed
    await until(() => server.stats().connections === 0, 'the leg gone')
    await clock.advance(10_000)
    await closed
    expect(clock.pending).toBe(0)
  })

  test.each([1, 2])('a hello with leg %i after leg 2 is refused as superseded', async (leg) => {
    const log = memoryLog()
    const [blue, green] = [await liveServer({ log }), await liveServer({ log })]
    const newest = await blue.join({ session: 's', leg: 2 })
    const late = await green.client()
    late.send({ type: 'hello', session: 's', leg, topics: {} })
    expect(await late.next('error')).toMatchObject({ code: 'superseded' })
    expect(await late.closed).toMatchObject({ code: 4001 })
    await newest.settle()
  })

  test('another user cannot take up the session', async () => {
    const server = await liveServer<{ subject?: string }>({ authenticate: ({ token }) => ({ subject: token! }) })
    await server.join({ session: 's', leg: 1, token: 'ann' })
    const thief = await server.client()
    thief.send({ type: 'hello', session: 's', leg: 2, token: 'bob', topics: {} })
    expect(await thief.next('error')).toMatchObject({ code: 'forbidden' })
    expect(await thief.closed).toMatchObject({ code: 3003 })
    await server.join({ session: 's', leg: 2, token: 'ann' })
  })
})

test('server rule 8: the server names a new epoch on its own, before its first message', async () => {
  const log = memoryLog()
  const server = await liveServer({ log })
  await server.publish('t', 'before')
  const leg = await server.join({ topics: { t: {} } })
  log.forget()
  await server.publish('t', 'after')
  await leg.next('message')
  const { epoch } = await log.head('t')
  expect(leg.frames.slice(1)).toEqual([
    { type: 'subscribed', topics: { t: { epoch, offset: 0, after: 0 } } },
    { type: 'message', topic: 't', offset: 1, data: 'after' },
  ])
})

test('server rule 9: where messages are hidden, prev names the last one before, and the position still advances', async () => {
  const clock = createSimulatedClock()
  const server = await liveServer<{ name: string }>({
    clock,
    authenticate: ({ token }) => ({ name: token! }),
    filter: ({ data, user }) => (data as { to: string }).to === user.name,
  })
  const [ann, bob] = [
    await server.join({ token: 'ann', topics: { t: {} } }),
    await server.join({ token: 'bob', topics: { t: {} } }),
  ]
  for (const to of ['ann', 'bob', 'bob', 'ann']) await server.publish('t', { to })
  await until(() => ann.of('message').length === 2, 'what Ann may see')
  await clock.advance(100)
  await until(() => bob.of('message').length === 3, 'what Bob may see, and that there is more')
  const seen = (client: typeof ann) =>
    client.of('message').map(({ offset, prev = offset - 1, data }) => [prev, offset, data?.to])
  expect(seen(ann)).toEqual([
    [0, 1, 'ann'],
    [1, 4, 'ann'],
  ])
  expect(seen(bob)).toEqual([
    [0, 2, 'bob'],
    [2, 3, 'bob'],
    [3, 4, undefined],
  ])
  const { epoch } = ann.frames[0]!['topics'].t as { epoch: string }
  const back = await server.join({ token: 'ann', topics: { t: { epoch, offset: 1 } } })
  const fresh = await server.join({ token: 'bob', topics: { t: { epoch, offset: 2 } } })
  await until(() => fresh.of('message').length === 2, 'the replay')
  expect(seen(back)).toEqual([[1, 4, 'ann']])
  expect(seen(fresh)).toEqual([
    [2, 3, 'bob'],
    [3, 4, undefined],
  ])
})
