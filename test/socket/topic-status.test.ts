import { createLiveSocket, LiveSocketError, rawProtocol } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { handServed } from '../kit/hand-served.js'

const shown = (status: unknown) => (status instanceof LiveSocketError ? status.code : status)

/** A socket whose server refuses `secret`, and what was reported of both topics. */
function world(authorize: (topic: string) => boolean = (topic) => topic !== 'secret') {
  const sim = createSimulation({ seed: 1, authorize })
  const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
  const told: unknown[] = []
  const watch = (topic: string) => {
    const status = socket.topicStatus(topic)
    return status.subscribe((now, before) => told.push(`${topic}: ${String(shown(before))} → ${String(shown(now))}`))
  }
  return { sim, socket, told, watch }
}

afterEach(() => void vi.restoreAllMocks())

describe('the status of a topic', () => {
  it('is pending until the server answers, then live or the refusal, and stays so through a planned handover', async () => {
    const { sim, socket, told, watch } = world()
    watch('news')
    watch('secret')
    expect([shown(socket.topicStatus('news').getState()), told]).toEqual(['pending', []])
    socket.connect()
    await sim.advance(1_000)
    const move = socket.handover()
    await sim.advance(5_000)
    await move
    expect(told.sort()).toEqual(['news: pending → live', 'secret: pending → forbidden'])
    expect(socket.topicStatus('secret').getState()).toMatchObject({ code: 'forbidden', topic: 'secret' })
    socket.close()
    expect(told.slice(2).sort()).toEqual(['news: live → pending', 'secret: forbidden → pending'])
  })

  it('is pending again while no leg serves, until the next server answers', async () => {
    let strict = true
    const { sim, socket, told, watch } = world((topic) => topic !== 'secret' || !strict)
    watch('secret')
    socket.connect()
    await sim.advance(1_000)
    strict = false
    sim.crash()
    sim.restart()
    await sim.advance(120_000)
    expect(told).toEqual(['secret: pending → forbidden', 'secret: forbidden → pending', 'secret: pending → live'])
  })

  it('subscribes the topic while it has listeners, and does not subscribe again when one replaces another', async () => {
    const { sim, socket, watch } = world()
    socket.connect()
    await sim.advance(1_000)
    const frames = () =>
      sim.wire
        .map(({ by, text }) => by === 'client' && (JSON.parse(text) as { type: string }).type)
        .filter((type) => String(type).includes('subscribe'))
    const stop = watch('news')
    await sim.advance(100)
    stop()
    const again = watch('news')
    await sim.advance(100)
    expect(frames()).toEqual(['subscribe'])
    again()
    await sim.advance(100)
    expect(frames()).toEqual(['subscribe', 'unsubscribe'])
    expect(socket.topicStatus('news').getState()).toBe('pending')
  })

  it('is the refusal of a topic that is refused with retryAfter, and live once the topic is served', async () => {
    const { socket, live, clock } = handServed()
    const errors: unknown[] = []
    socket.on('error', ({ error }) => void errors.push(error.retryAfter))
    const told: unknown[] = []
    socket.subscribe('t', () => undefined, { onError: ({ retryAfter }) => told.push(retryAfter) })
    const stream = socket.stream('t')
    const status = socket.topicStatus('t')
    status.subscribe(() => undefined)
    const one = await live({ topics: {} })
    const [asked] = one.of('subscribe')
    one.send({
      type: 'error',
      code: 'busy',
      message: 'later',
      topic: 't',
      id: asked!['id'] as string,
      retryAfter: 1_000,
    })
    expect(status.getState()).toMatchObject({ code: 'refused', reason: 'busy', retryAfter: 1_000 })
    expect([told, errors]).toEqual([[1_000], [1_000]])
    await clock.advance(60_000)
    const again = one.of('subscribe').at(-1)!
    one.send({ type: 'subscribed', id: again['id'] as string, topics: { t: { epoch: 'e', offset: 5, after: 5 } } })
    one.send({ type: 'message', topic: 't', offset: 6, data: 'x' })
    expect(status.getState()).toBe('live')
    expect((await stream.next()).value).toMatchObject({ data: 'x' })
  })

  it('is live as soon as the leg is, if the protocol has no answers to subscriptions', async () => {
    const { socket, leg, clock } = handServed({
      protocol: rawProtocol({ message: (text) => ({ topic: 't', data: text }) }),
    })
    const status = socket.topicStatus('t')
    status.subscribe(() => undefined)
    socket.connect()
    ;(await leg(1)).open()
    await clock.flush()
    expect([socket.store.getState().status, status.getState(), socket.topicStatus('t').getInitialState()]).toEqual([
      'live',
      'live',
      'pending',
    ])
    const later = socket.topicStatus('u')
    later.subscribe(() => undefined)
    expect(later.getState()).toBe('live')
  })

  it.each([
    ['livesocket.v1', undefined],
    ['one that has no answers', rawProtocol({ message: (text) => ({ topic: 'a', data: text }) })],
  ])('is not live for the next listener if one closes the socket, by %s', async (_, protocol) => {
    const { socket, leg, clock } = handServed(protocol && { protocol })
    const told: unknown[] = []
    for (const topic of ['a', 'b']) {
      socket.topicStatus(topic).subscribe((now) => {
        told.push(`${topic} ${String(shown(now))}`)
        if (now === 'live') socket.close()
      })
    }
    socket.connect()
    const one = await leg(1)
    const answer = { epoch: 'e', offset: 1, after: 1 }
    if (protocol) one.open()
    else one.welcome({ topics: { a: answer, b: answer } })
    await clock.flush()
    expect(told).toEqual(['a live', 'a pending'])
  })

  it.each([
    ['livesocket.v1', undefined],
    ['one that has no answers', rawProtocol({ message: (text) => ({ topic: 'a', data: text }) })],
  ])('is not live for the next listener if one closes and connects the socket, by %s', async (_, protocol) => {
    const { socket, leg, clock } = handServed(protocol && { protocol })
    const told: unknown[] = []
    for (const topic of ['a', 'b']) {
      socket.topicStatus(topic).subscribe((now) => {
        told.push(`${topic} ${String(shown(now))}`)
        if (now !== 'live') return
        socket.close()
        socket.connect()
      })
    }
    socket.connect()
    const one = await leg(1)
    const answer = { epoch: 'e', offset: 1, after: 1 }
    if (protocol) one.open()
    else one.welcome({ topics: { a: answer, b: answer } })
    await clock.flush()
    expect(told).toEqual(['a live', 'a pending'])
  })

  it('refuses an empty topic', async () => {
    const { socket } = world()
    expect(() => socket.topicStatus('')).toThrow(/topic/)
    expect(() => socket.signal('', 1)).toThrow(/topic/)
    await expect(socket.publish('', 1)).rejects.toMatchObject({ code: 'invalid' })
  })
})

describe('onError of a subscription', () => {
  it('gets the refusal once, even if the topic was refused to an earlier subscriber', async () => {
    const { sim, socket } = world()
    const heard: string[] = []
    const hear = (name: string) => (error: LiveSocketError) => void heard.push(`${name} ${error.code} ${error.topic}`)
    socket.subscribe('secret', () => undefined, { onError: hear('first') })
    socket.subscribe('news', () => undefined, { onError: hear('news') })
    socket.connect()
    await sim.advance(1_000)
    const fold = socket.fold('secret', (sum: number) => sum + 1, 0, { onError: hear('fold') })
    const stop = fold.subscribe(() => undefined)
    socket.subscribe('secret', () => undefined, { onError: hear('late') })
    socket.subscribe('secret', () => undefined, { onError: hear('never') })()
    expect(heard).toEqual(['first forbidden secret'])
    await sim.advance(0)
    const move = socket.handover()
    await sim.advance(5_000)
    await move
    expect(heard).toEqual(['first forbidden secret', 'fold forbidden secret', 'late forbidden secret'])
    stop()
  })

  it('that throws does not keep the others from the refusal', async () => {
    const thrown: unknown[] = []
    const { sim, socket } = world()
    socket.on('error', ({ error }) => error.cause && thrown.push(error.cause))
    const heard: unknown[] = []
    socket.subscribe('secret', () => undefined, {
      onError() {
        throw new TypeError('a bug')
      },
    })
    socket.subscribe('secret', () => undefined, { onError: ({ code }) => void heard.push(code) })
    socket.connect()
    await sim.advance(1_000)
    expect([heard, thrown.map(String)]).toEqual([['forbidden'], ['TypeError: a bug']])
  })

  it('must be a function', () => {
    const { socket } = world()
    for (const subscribe of [
      () => socket.subscribe('t', () => undefined, { onError: 1 as never }),
      () => socket.fold('t', () => 0, 0, { onError: 1 as never }),
    ])
      expect(subscribe).toThrow(/onError must be a function/)
  })

  it('keeps the refusal off the console, where a developer finds it if nothing listens', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    for (const options of [{}, { onError: () => undefined }]) {
      const { sim, socket } = world()
      socket.subscribe('secret', () => undefined, options)
      socket.connect()
      await sim.advance(1_000)
    }
    expect(warn.mock.calls).toEqual([
      ['livesocket: The server refused the topic "secret": this topic is not for this client'],
    ])
  })
})
