import { describe, expect, test } from 'vitest'
import { createLiveSocket } from '../../../src/index.js'
import { memoryLog, type Authorization } from '../../../src/server/index.js'
import { createSimulatedClock } from '../../../src/testing/simulated-clock.js'
import { WebSocket } from 'ws'
import { liveServer, until } from '../kit.js'

const room = { topics: { room: {} } }
const signal = (id: string, data: unknown, topic = 'room') => ({ type: 'signal', id, topic, data })

describe('a signal', () => {
  test('reaches all subscribers of its topic on every server of the log, except its own session', async () => {
    const log = memoryLog()
    const [a, b] = [await liveServer({ log, tellPublisher: true }), await liveServer({ log })]
    const sender = await a.join({ session: 's', leg: 1, ...room })
    const own = await b.join({ session: 's', leg: 2, ...room })
    const [here, there, elsewhere] = [await a.join(room), await b.join(room), await b.join({ topics: { other: {} } })]
    sender.send(signal('mine', { x: 1 }))
    const [one, two] = [await here.next('signal'), await there.next('signal')]
    expect(one).toMatchObject({ topic: 'room', data: { x: 1 }, by: 'anybody' })
    expect(two).toEqual(one)
    for (const leg of [sender, own, elsewhere]) {
      await leg.settle()
      expect(leg.of('signal')).toEqual([])
      expect(leg.of('nack')).toEqual([])
    }
    // A client that comes later does not get it.
    const late = await a.join({ topics: { room: { last: 10 } } })
    await late.settle()
    expect([late.of('signal'), late.of('message'), a.stats().signalled]).toEqual([[], [], 1])
  })

  test('of the server itself reaches all subscribers, and an invalid one throws', async () => {
    const server = await liveServer()
    const leg = await server.join(room)
    server.signal('room', { typing: true })
    expect(await leg.next('signal')).toMatchObject({ data: { typing: true } })
    const thrown = (call: () => void) =>
      expect(call).toThrow(expect.objectContaining({ name: 'LiveSocketError' }) as Error)
    thrown(() => server.signal('', 1))
    thrown(() => server.signal('room', undefined))
    thrown(() => server.signal('room', 1n))
    thrown(() => server.signal('room', 'x'.repeat(300_000)))
    await leg.settle()
    expect(leg.of('signal')).toHaveLength(1)
  })

  test('is allowed by authorize, which is asked once for each leg and topic, and again after a fresh token', async () => {
    const asked: Authorization<{ subject?: string }>[] = []
    let allowed = true
    const server = await liveServer({
      authorize(ask) {
        if (ask.action === 'signal') asked.push(ask)
        return ask.action === 'subscribe' || allowed
      },
    })
    const [sender, other] = [await server.join({ session: 'me', token: 't', ...room }), await server.join(room)]
    for (const n of [1, 2, 3]) sender.send(signal(`${n}`, n))
    for (const n of [1, 2, 3]) expect(await other.next('signal')).toMatchObject({ data: n })
    expect(asked).toMatchObject([{ action: 'signal', topic: 'room', session: 'me', user: { subject: 'anybody' } }])
    allowed = false
    sender.send({ type: 'auth', token: 'u' })
    await sender.next('authed')
    sender.send(signal('4', 4))
    expect(await sender.next('nack')).toMatchObject({ id: '4', code: 'forbidden' })
    await other.settle()
    expect([other.of('signal').length, asked.length, server.stats().signalled]).toEqual([3, 2, 3])
  })

  test('is not allowed by an answer of authorize about the rights before a fresh token', async () => {
    const asked: { readonly right: string; answer(allowed: boolean): void }[] = []
    const server = await liveServer<{ subject: string; right: string }>({
      authenticate: ({ token }) => ({ subject: 'ann', right: token! }),
      authorize: ({ action, user: { right } }) =>
        action === 'subscribe' || new Promise<boolean>((answer) => void asked.push({ right, answer })),
    })
    const sender = await server.join({ token: 'old', ...room })
    sender.send(signal('1', 1))
    await until(() => asked.length === 1, 'asked')
    sender.send({ type: 'auth', token: 'fresh' })
    await sender.next('authed')
    asked[0]!.answer(true)
    await until(() => server.stats().signalled === 1, 'it was said with the old one')
    sender.send(signal('2', 2))
    await until(() => asked.length === 2 || server.stats().signalled === 2, 'asked again')
    expect(asked.map(({ right }) => right)).toEqual(['old', 'fresh'])
    asked[1]!.answer(false)
    expect(await sender.next('nack')).toMatchObject({ id: '2', code: 'forbidden' })
  })

  test('is refused where there is no authorize', async () => {
    const server = await liveServer({ authorize: undefined as never })
    const sender = await server.join(room)
    sender.send(signal('1', 1))
    expect(await sender.next('nack')).toMatchObject({ id: '1', code: 'forbidden' })
  })

  test('to a topic that its leg has not subscribed is refused; one right after the subscribe is not', async () => {
    const server = await liveServer()
    const [sender, other] = [await server.join(), await server.join(room)]
    sender.send(signal('early', 0))
    expect(await sender.next('nack')).toMatchObject({ id: 'early', code: 'not-subscribed' })
    sender.send({ type: 'subscribe', id: 'q', topics: { room: {} } })
    sender.send(signal('then', 1))
    expect(await other.next('signal')).toMatchObject({ data: 1 })
    sender.send({ type: 'unsubscribe', topics: ['room'] })
    await sender.settle()
    sender.send(signal('gone', 2))
    expect(await sender.next('nack')).toMatchObject({ id: 'gone' })
    await other.settle()
    expect(other.of('signal')).toHaveLength(1)
  })

  test('is refused for now where authorize fails, and the next one is asked about again', async () => {
    let fails = true
    const server = await liveServer({
      authorize({ action }) {
        if (action === 'signal' && fails) throw new Error('away')
        return true
      },
    })
    const [sender, other] = [await server.join(room), await server.join(room)]
    sender.send(signal('1', 1))
    expect(await sender.next('nack')).toMatchObject({ id: '1', code: 'busy', retryAfter: 1_000 })
    fails = false
    sender.send(signal('2', 2))
    expect(await other.next('signal')).toMatchObject({ data: 2 })
  })

  test('over the rate of its session is refused as busy, and a later one gets through', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock, limits: { messagesPerSecond: 10, messageBurst: 20 } })
    const [sender, other] = [await server.join(room), await server.join(room)]
    for (let n = 0; n < 30; n++) sender.send(signal(`${n}`, n))
    const busy = await sender.next('nack')
    expect(busy).toMatchObject({ code: 'busy', retryAfter: expect.any(Number) as number })
    await clock.advance(busy.retryAfter as number)
    sender.send(signal('later', 'later'))
    await until(() => other.of('signal').some(({ data }) => data === 'later'), 'the one that waited arrives')
    expect(other.of('signal').length).toBeLessThan(30)
  })

  test('is delivered at most once while its listener hands over', async () => {
    const log = memoryLog()
    const servers = [await liveServer({ log, allowedOrigins: '*' }), await liveServer({ log, allowedOrigins: '*' })]
    let at = 0
    let read = 0
    const make = () =>
      createLiveSocket({ url: () => servers[at]!.address(), getToken: async () => 't', environment: { WebSocket } })
    const [ann, bob] = [make(), make()]
    const heard: number[] = []
    bob.onSignal('room', (data) => heard.push(data as number))
    ann.onSignal('room', () => {})
    bob.subscribe('room', (n) => void (read = n as number))
    for (const socket of [ann, bob]) socket.connect()
    await until(() => [ann, bob].every((socket) => socket.topicStatus('room').getState() === 'live'), 'both are there')
    let sent = 0
    for (let move = 0; move < 6; move++) {
      at = 1 - at
      const moved = Promise.all([ann.handover(), bob.handover()])
      let moving = true
      void moved.then(() => (moving = false))
      while (moving) {
        servers[sent % 2]!.signal('room', ++sent)
        await servers[0]!.publish('room', sent)
        await until(() => read === sent, 'what came after it has arrived')
      }
    }
    ann.close()
    bob.close()
    expect(new Set(heard).size).toBe(heard.length)
    // Frames that the old leg was about to deliver when it was closed may be lost.
    expect(heard.length).toBeGreaterThanOrEqual(sent - 6)
    expect(sent).toBeGreaterThan(6)
  })
})
