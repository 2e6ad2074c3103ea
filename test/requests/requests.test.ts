import { describe, expect, it } from 'vitest'
import type { LiveSocketError } from '../../src/index.js'
import { handServed, type HandLeg } from '../kit/hand-served.js'

const asked = (leg: HandLeg) => leg.of('request')
const idOf = (leg: HandLeg, method: string) => asked(leg).find((frame) => frame.method === method)!.id as string
const outcome = (request: Promise<unknown>) =>
  request.then(
    (answer) => ({ answer }),
    ({ code, reason, data, retryAfter, message }: LiveSocketError) => ({ code, reason, data, retryAfter, message }),
  )

describe('a request', () => {
  it('is sent at once, beside others, and gets its own answer, in whatever order answers come', async () => {
    const { socket, live } = handServed()
    const one = await live()
    const answers = ['a', 'b', 'c'].map((method) => socket.request(method, { of: method }))
    expect(asked(one)).toMatchObject([{ data: { of: 'a' } }, { data: { of: 'b' } }, { data: { of: 'c' } }])
    for (const method of ['c', 'a', 'b']) one.send({ type: 'ack', id: idOf(one, method), data: method.toUpperCase() })
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C'])
  })

  it('that is made before connect() is sent after the welcome, with the data as it was when it was made', async () => {
    const { socket, live } = handServed()
    const data = { n: 1 }
    const answer = socket.request('m', data)
    data.n = 2
    const one = await live()
    expect(asked(one)).toMatchObject([{ method: 'm', data: { n: 1 } }])
    one.send({ type: 'ack', id: idOf(one, 'm') })
    expect(await answer).toBe(undefined)
  })

  it('is refused with the code, data and retryAfter of the server application', async () => {
    const { socket, live } = handServed()
    const one = await live()
    const answer = outcome(socket.request('buy'))
    one.send({ type: 'nack', id: idOf(one, 'buy'), code: 'sold-out', message: 'None left.', data: { left: 0 } })
    expect(await answer).toMatchObject({ code: 'refused', reason: 'sold-out', data: { left: 0 } })
    const later = outcome(socket.request('sell'))
    one.send({ type: 'nack', id: idOf(one, 'sell'), code: 'busy', message: 'Later.', retryAfter: 9 })
    expect(await later).toMatchObject({ code: 'refused', reason: 'busy', retryAfter: 9 })
  })

  it('stays with its leg in a handover: the old leg answers it, and is not closed before', async () => {
    const { socket, live, leg, clock } = handServed()
    const one = await live()
    const answer = socket.request('slow')
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    two.welcome({ server: 'b' })
    await clock.advance(5_000)
    const next = socket.request('next')
    expect([asked(two).length, one.closed]).toEqual([1, undefined])
    two.send({ type: 'ack', id: idOf(two, 'next'), data: 2 })
    expect(await next).toBe(2)
    expect(one.closed).toBe(undefined)
    one.send({ type: 'ack', id: idOf(one, 'slow'), data: 1 })
    expect(await answer).toBe(1)
    await clock.flush()
    expect([one.closed, asked(two).length]).toEqual([1000, 1])
  })

  it('whose leg ends before the answer is outcome-unknown, and an idempotent one is sent again under its id', async () => {
    const { socket, live, leg, clock } = handServed()
    const one = await live()
    const once = outcome(socket.request('once'))
    const again = socket.request('again', 7, { idempotent: true })
    one.end(1006)
    expect(await once).toMatchObject({ code: 'outcome-unknown' })
    await clock.advance(1_000)
    const two = await leg(2)
    two.welcome()
    await clock.flush()
    expect(asked(two)).toMatchObject([{ id: idOf(one, 'again'), method: 'again', data: 7 }])
    two.send({ type: 'ack', id: idOf(two, 'again'), data: 'done' })
    expect(await again).toBe('done')
  })

  it('that is idempotent and was sent twice can be refused with the code and data of the server, as any other', async () => {
    const { socket, live, leg, clock } = handServed()
    const one = await live()
    const answers = ['a', 'b'].map((method) => outcome(socket.request(method, null, { idempotent: true })))
    one.end(1006)
    await clock.advance(1_000)
    const two = await leg(2)
    two.welcome()
    await clock.flush()
    two.send({ type: 'nack', id: idOf(two, 'a'), code: 'busy', message: 'Later.', retryAfter: 9 })
    two.send({ type: 'nack', id: idOf(two, 'b'), code: 'too-large', message: 'Too long a name.', data: 64 })
    expect(await answers[0]).toMatchObject({ code: 'refused', reason: 'busy', retryAfter: 9 })
    expect(await answers[1]).toMatchObject({ code: 'too-large', reason: 'too-large', data: 64 })
  })

  it('that is unanswered when the overlap ends is outcome-unknown', async () => {
    const { socket, live, leg, clock } = handServed({ handover: { overlapLimit: 4_000 } })
    const one = await live()
    const answer = outcome(socket.request('hangs', 1, { timeout: Infinity }))
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    ;(await leg(2)).welcome({ server: 'b' })
    await clock.advance(4_000)
    expect([one.closed, await answer]).toMatchObject([1000, { code: 'outcome-unknown' }])
  })

  it('has a timeout: a request that is not sent by then did not happen, a sent one is outcome-unknown', async () => {
    const { socket, live, clock } = handServed()
    const early = outcome(socket.request('early', 1, { timeout: 100 }))
    await clock.advance(100)
    expect(await early).toMatchObject({ code: 'timeout' })
    const one = await live()
    const sent = outcome(socket.request('sent'))
    await clock.advance(29_999)
    expect(one.of('cancel')).toEqual([])
    await clock.advance(1)
    expect(await sent).toMatchObject({ code: 'outcome-unknown' })
    expect(one.of('cancel')).toMatchObject([{ id: idOf(one, 'sent') }])
    one.send({ type: 'ack', id: idOf(one, 'sent') })
  })

  it('is cancelled by its signal, and the server gets a cancel frame if it was sent', async () => {
    const { socket, live, clock } = handServed()
    const one = await live()
    const controller = new AbortController()
    const sent = outcome(socket.request('m', 1, { signal: controller.signal }))
    controller.abort()
    expect(await sent).toMatchObject({ code: 'outcome-unknown' })
    expect(one.of('cancel')).toMatchObject([{ id: idOf(one, 'm') }])
    expect(await outcome(socket.request('m', 1, { signal: controller.signal }))).toMatchObject({ code: 'aborted' })
    one.end(1006)
    await clock.flush()
    const waits = new AbortController()
    const waiting = outcome(socket.request('w', 1, { signal: waits.signal }))
    waits.abort()
    expect(await waiting).toMatchObject({ code: 'aborted' })
  })

  it('settles at once when the socket is closed, and is refused as closed after that', async () => {
    const { socket, live } = handServed()
    await live()
    const sent = outcome(socket.request('sent'))
    socket.close()
    expect(await sent).toMatchObject({ code: 'outcome-unknown' })
    expect(await outcome(socket.request('m'))).toMatchObject({ code: 'closed' })
    socket.signOut()
    expect(await outcome(socket.request('m'))).toMatchObject({ code: 'closed' })
  })

  it.each<[string, unknown[], string]>([
    ['without a method', [''], 'invalid'],
    ['with a method of 129 characters', ['m'.repeat(129)], 'invalid'],
    ['with a method that is no text', [7], 'invalid'],
    ['with data that JSON has no word for', ['m', () => 1], 'invalid'],
    ['with data that contains itself', ['m', circular()], 'invalid'],
    ['with a time of zero', ['m', 1, { timeout: 0 }], 'invalid'],
    ['larger than the server takes', ['m', 'x'.repeat(2_000)], 'too-large'],
    ['larger than what may wait', ['m', 'x'.repeat(2_000_000)], 'outbox-full'],
  ])('%s is refused before anything is sent', async (_, args, code) => {
    const { socket, live } = handServed()
    const one = code === 'outbox-full' ? null : await live({ maxFrame: 1_000 })
    expect(await outcome(socket.request(...(args as [string])))).toMatchObject({ code })
    expect(one?.of('request') ?? []).toEqual([])
  })

  it('beyond outbox.maxMessages is refused as outbox-full, and the others are not affected', async () => {
    const { socket, live } = handServed({ outbox: { maxMessages: 2 } })
    const one = await live()
    const first = [socket.request('a'), socket.request('b')]
    expect(await outcome(socket.request('c'))).toMatchObject({ code: 'outbox-full' })
    for (const { id } of asked(one)) one.send({ type: 'ack', id, data: 1 })
    expect(await Promise.all(first)).toEqual([1, 1])
    const next = socket.request('d')
    one.send({ type: 'ack', id: idOf(one, 'd'), data: 2 })
    expect(await next).toBe(2)
  })

  it('is not settled by the answer to a publish, nor by a second answer', async () => {
    const { socket, live } = handServed()
    const one = await live()
    const answer = socket.request('m')
    const published = socket.publish('t', 1)
    one.send({ type: 'ack', id: idOf(one, 'm'), data: 'm' })
    one.send({ type: 'nack', id: idOf(one, 'm'), code: 'late', message: '' })
    one.send({ type: 'ack', id: one.of('publish')[0]!.id, offset: 3, epoch: 'e' })
    expect([await answer, await published]).toMatchObject(['m', { offset: 3, epoch: 'e' }])
  })
})

function circular(): object {
  const value: { self?: object } = {}
  value.self = value
  return value
}
