import { describe, expect, it, vi } from 'vitest'
import { handServed, type HandLeg } from '../kit/hand-served.js'

const settled = (published: Promise<object>) =>
  published.catch(({ code, retryAfter }: { code: string; retryAfter?: number }) =>
    retryAfter === undefined ? code : { code, retryAfter },
  )
const data = (leg: HandLeg) => leg.of('publish').map(({ data }) => data as unknown)
const ids = (leg: HandLeg) => leg.of('publish').map(({ id }) => id as string)

describe('an answer', () => {
  it.each<[string, object, unknown]>([
    ['ack', { type: 'ack', offset: 9, data: { n: 1 } }, { offset: 9, data: { n: 1 } }],
    ['ack without anything', { type: 'ack' }, {}],
    ['nack', { type: 'nack', code: 'nope', message: 'no' }, 'refused'],
    [
      'nack with retryAfter',
      { type: 'nack', code: 'busy', message: 'no', retryAfter: 300 },
      { code: 'refused', retryAfter: 300 },
    ],
    ['nack forbidden', { type: 'nack', code: 'forbidden', message: 'no' }, 'forbidden'],
    ['nack outcome-unknown', { type: 'nack', code: 'outcome-unknown', message: 'who knows' }, 'outcome-unknown'],
  ])('%s settles the publish of that id, once', async (_, answer, outcome) => {
    const { socket, live } = handServed()
    const one = await live()
    const mine = settled(socket.publish('t', 1))
    one.send({ ...answer, type: 'ack', id: 'another' })
    const [id] = ids(one)
    one.send({ ...(answer as { type: string }), id })
    one.send({ type: 'nack', id, code: 'late', message: 'a second answer' })
    expect(await mine).toEqual(
      typeof outcome === 'object' && !('code' in (outcome as object)) ? { id, ...(outcome as object) } : outcome,
    )
  })

  it('that does not come in ackTimeout causes a handover, and the publish is sent again under the same id', async () => {
    const { socket, clock, live, leg, told } = handServed({ outbox: { ackTimeout: 5_000 } })
    const one = await live()
    const mine = settled(socket.publish('t', 1))
    await clock.advance(5_000)
    expect(told('handover-started')).toMatchObject([{ reason: 'unanswered' }])
    const two = await leg(2)
    two.welcome({ server: 's' })
    await clock.advance(1_000)
    expect(two.of('publish')).toMatchObject([{ id: ids(one)[0], data: 1, age: 6_000 }])
    expect(one.of('publish')[0]).not.toHaveProperty('age')
    two.send({ type: 'ack', id: ids(one)[0]!, offset: 1 })
    expect(await mine).toMatchObject({ offset: 1 })
  })
})

describe('order', () => {
  it('client rule 5: publishes made before connect() are sent in order after the welcome, and not before', async () => {
    const { socket, live } = handServed()
    for (const n of [1, 2, 3]) void socket.publish('t', n)
    const one = await live()
    expect(data(one)).toEqual([1, 2, 3])
    expect(one.said[0]!.type).toBe('hello')
  })

  it('client rule 5: newer publishes wait for the answers of the old leg; when it closes, unanswered ones are sent again first, under their ids', async () => {
    const { socket, clock, live, leg } = handServed()
    const one = await live()
    const first = [1, 2].map((n) => settled(socket.publish('t', n)))
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    two.welcome({ server: 'b' })
    void socket.publish('t', 3)
    await clock.advance(500)
    expect([data(one), data(two), one.closed]).toEqual([[1, 2], [], undefined])
    one.send({ type: 'ack', id: ids(one)[0]! })
    one.end(1012)
    await clock.flush()
    expect(data(two)).toEqual([2, 3])
    expect(two.of('publish')[0]).toMatchObject({ id: ids(one)[1], age: 500 })
    expect(two.of('publish')[1]).not.toHaveProperty('age')
    two.send({ type: 'ack', id: ids(one)[1]!, offset: 2 })
    expect(await Promise.all(first)).toMatchObject([{}, { offset: 2 }])
  })

  it('client rule 5: after a break every unanswered publish is sent again, in order and before newer ones', async () => {
    const { socket, clock, live, leg } = handServed()
    const one = await live()
    for (const n of [1, 2, 3]) void socket.publish('t', n)
    one.send({ type: 'ack', id: ids(one)[1]! })
    one.end(1006)
    void socket.publish('t', 4)
    await clock.advance(1_000)
    const two = await leg(2)
    two.welcome()
    expect(data(two)).toEqual([1, 3, 4])
    expect(ids(two).slice(0, 2)).toEqual([ids(one)[0], ids(one)[2]])
  })
})

describe('giving up', () => {
  it('by ttl or signal: an unsent publish is timeout or aborted, a sent one is outcome-unknown', async () => {
    const { socket, clock, live } = handServed()
    const stop = new AbortController()
    const waiting = [
      settled(socket.publish('t', 1, { ttl: 100 })),
      settled(socket.publish('t', 2, { signal: stop.signal })),
    ]
    await clock.advance(100)
    stop.abort()
    expect(await Promise.all(waiting)).toEqual(['timeout', 'aborted'])
    const one = await live()
    expect(data(one)).toEqual([])
    const again = new AbortController()
    const sent = [
      settled(socket.publish('t', 1, { ttl: 100 })),
      settled(socket.publish('t', 2, { signal: again.signal })),
    ]
    await clock.advance(100)
    again.abort()
    expect(await Promise.all(sent)).toEqual(['outcome-unknown', 'outcome-unknown'])
    expect(await settled(socket.publish('t', 3, { signal: again.signal }))).toBe('aborted')
  })

  it.each([
    [
      'too-large after a nack, which is final on whichever leg it comes',
      'nack',
      { code: 'too-large', reason: 'too-large' },
    ],
    ['outcome-unknown after an error, which is about that frame only', 'error', { code: 'outcome-unknown' }],
  ])('a publish that was sent again and is too large settles as %s', async (_, type, told) => {
    const { socket, live, leg, clock } = handServed()
    const one = await live()
    const outcome = socket.publish('t', 1).catch((error: unknown) => error)
    one.end(1006)
    await clock.advance(1_000)
    const two = await leg(2)
    two.welcome()
    await clock.flush()
    two.send({ type, id: two.of('publish')[0]!['id'], code: 'too-large', message: 'no' })
    expect(await outcome).toMatchObject(told)
  })

  it('a publish past the bound in number or bytes is outbox-full, and over the maxFrame of the leg too-large', async () => {
    const { socket, live } = handServed({ outbox: { maxMessages: 2, maxBytes: 500 } })
    for (const n of [1, 2]) void socket.publish('t', n).catch(() => undefined)
    expect(await settled(socket.publish('t', 3))).toBe('outbox-full')
    const one = await live({ maxFrame: 200 })
    for (const id of ids(one)) one.send({ type: 'ack', id })
    expect(await settled(socket.publish('t', 'x'.repeat(200)))).toBe('too-large')
    const other = handServed({ outbox: { maxBytes: 500 } })
    void other.socket.publish('t', 'x'.repeat(300)).catch(() => undefined)
    expect(await settled(other.socket.publish('t', 'x'.repeat(300)))).toBe('outbox-full')
    expect(other.socket.store.getState().outbox).toEqual({ messages: 0, bytes: 0 })
    await other.clock.advance(16)
    expect(other.socket.store.getState().outbox).toMatchObject({ messages: 1 })
  })

  it('close() settles every publish at once: unsent ones as closed, sent ones as outcome-unknown', async () => {
    const { socket, live } = handServed()
    const one = await live()
    const sent = settled(socket.publish('t', 1))
    one.wire.readyState = 2
    const unsent = settled(socket.publish('t', 2))
    socket.close()
    expect(await Promise.all([sent, unsent, settled(socket.publish('t', 3))])).toEqual([
      'outcome-unknown',
      'closed',
      'closed',
    ])
    expect(data(one)).toEqual([1])
    expect(socket.store.getState()).toMatchObject({ status: 'closed', closed: { by: 'app' } })
  })
})

describe('tokens', () => {
  it('from getToken are sent in the hello and never in the URL; one that the server offers is sent back as auth, and in the next hello', async () => {
    const getToken = vi.fn(async () => ({ token: 'mine', ttl: 600_000 }))
    const { clock, live, leg, told, socket } = handServed({ getToken })
    const one = await live({ tokenTtl: 600_000 })
    expect([one.said[0], one.url]).toMatchObject([{ token: 'mine' }, 'wss://a.test/live'])
    one.send({ type: 'token', token: 'offered', tokenTtl: 600_000 })
    expect(one.of('auth')).toEqual([{ type: 'auth', token: 'offered' }])
    one.send({ type: 'authed', tokenTtl: 600_000 })
    expect(told('token-refreshed')).toHaveLength(2)
    one.end(1006)
    await clock.advance(1_000)
    const two = await leg(2)
    two.welcome()
    expect([two.said[0], getToken.mock.calls.length]).toMatchObject([{ token: 'offered' }, 1])
    expect(JSON.stringify([told('token-refreshed', 'leg-ready', 'leg-dialling'), socket.store.getState()])).not.toMatch(
      /mine|offered/,
    )
  })

  it('that are refreshed during a handover are sent in-band on both legs', async () => {
    let n = 0
    const { clock, live, leg, socket } = handServed({
      getToken: async () => ({ token: `token ${++n}`, ttl: 600_000 }),
      handover: { overlapLimit: 600_000 },
    })
    const one = await live()
    socket.subscribe('t', () => undefined)
    one.send({
      type: 'subscribed',
      id: one.of('subscribe')[0]!['id'],
      topics: { t: { epoch: 'e', offset: 5, after: 5 } },
    })
    await clock.advance(415_000)
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 600_000 })
    const two = await leg(2)
    // The old leg stays, because the new one has not yet delivered what it must replay.
    two.welcome({ server: 'b', offset: 7 })
    await clock.advance(6_000)
    expect([one.of('auth'), two.of('auth')]).toEqual([
      [{ type: 'auth', token: 'token 2' }],
      [{ type: 'auth', token: 'token 2' }],
    ])
  })
})
