import { describe, expect, it } from 'vitest'
import { handServed } from '../kit/hand-served.js'

const at = (offset: number, after = offset, epoch = 'e') => ({ t: { epoch, offset, after } })
const message = (offset: number, more: object = { data: offset }) => ({ type: 'message', topic: 't', offset, ...more })

/** One leg with `t` subscribed at 5, and a record of everything that the application receives, gaps included. */
async function reading(
  options: Parameters<typeof handServed>[0] & { from?: { epoch: string; offset: number } } = {},
  answer: object = at(5),
) {
  const { from, ...rest } = options
  const world = handServed(rest)
  const told: unknown[] = []
  world.socket.on('gap', ({ topic: _, ...gap }) => void told.push(gap))
  const stop = world.socket.subscribe(
    't',
    (data, { offset, epoch }) => void told.push(`${epoch} ${offset}: ${String(data)}`),
    from && { from },
  )
  const one = await world.live({ topics: answer })
  return { ...world, one, stop, told: () => told.splice(0), events: world.told }
}

describe('a topic on the wire', () => {
  it('is subscribed in the hello or later, and unsubscribed, each in a frame of its own', async () => {
    const { socket, one, stop } = await reading({ from: { epoch: 'e', offset: 3 } }, at(5, 3))
    expect(one.said[0]).toMatchObject({ topics: { t: { epoch: 'e', offset: 3 } } })
    const later = socket.subscribe('u', () => undefined)
    socket.subscribe('v', () => undefined, { from: { epoch: 'f', offset: 0 } })
    expect(one.of('subscribe').map(({ topics }) => topics as object)).toEqual([
      { u: {} },
      { v: { epoch: 'f', offset: 0 } },
    ])
    expect(new Set(one.of('subscribe').map(({ id }) => id as string)).size).toBe(2)
    later()
    stop()
    // The topics are unsubscribed after the running code, unless it subscribes them again.
    await Promise.resolve()
    expect(one.of('unsubscribe').map(({ topics }) => topics as string[])).toEqual([['u'], ['t']])
  })

  it('skips hidden messages by prev, takes a missing prev as the offset before, and advances the position for a message without data', async () => {
    const { one, told, socket, clock, leg } = await reading()
    one.send(message(6))
    one.send(message(9, { prev: 6, data: null }))
    one.send(message(12, { prev: 9 }))
    expect(told()).toEqual(['e 6: 6', 'e 9: null'])
    one.end(1006)
    await clock.advance(1_000)
    const two = await leg(2)
    two.open()
    expect(two.said[0]).toMatchObject({ topics: { t: { epoch: 'e', offset: 12 } } })
    expect([socket.stats().received, socket.stats().delivered]).toEqual([3, 2])
  })

  it('client rule 4: if the messages after a position were trimmed, there is one gap with its bounds before the next message', async () => {
    const { told, one, socket } = await reading({ from: { epoch: 'e', offset: 2 } }, at(12, 9))
    one.send(message(10))
    expect(told()).toEqual([{ epoch: 'e', from: 3, to: 9, reason: 'trimmed' }, 'e 10: 10'])
    expect(socket.stats().gaps).toBe(1)
  })

  it('client rule 4: a message after a hole is held, and the topic is asked for again from the position, which fills the hole', async () => {
    const { told, one, socket } = await reading()
    one.send(message(8))
    const [asked] = one.of('subscribe')
    expect([told(), asked!['topics']]).toEqual([[], { t: { epoch: 'e', offset: 5 } }])
    // Before the answer to the newest `subscribe`, messages of the topic are ignored.
    one.send(message(6))
    expect(told()).toEqual([])
    one.send({ type: 'subscribed', id: 'another', topics: at(8, 7) })
    expect(told()).toEqual([])
    one.send({ type: 'subscribed', id: asked!['id'], topics: at(8, 5) })
    for (const offset of [6, 7, 8]) one.send(message(offset))
    expect(told()).toEqual(['e 6: 6', 'e 7: 7', 'e 8: 8'])
    expect(socket.stats()).toMatchObject({ held: 1, gaps: 0 })
  })

  it('client rule 4: an answer that begins after the position is one gap, up to its beginning or to the first held message', async () => {
    for (const [after, gap] of [
      [9, { epoch: 'e', from: 6, to: 7, reason: 'lost' }],
      [6, { epoch: 'e', from: 6, to: 6, reason: 'trimmed' }],
    ] as const) {
      const { told, one } = await reading()
      one.send(message(8))
      one.send({ type: 'subscribed', id: one.of('subscribe')[0]!['id'], topics: at(9, after) })
      expect(told()[0]).toEqual(gap)
    }
  })

  it('client rule 4: a new epoch that was not asked for is one gap with unknown bounds, followed by all of its messages', async () => {
    const { told, one, clock, leg } = await reading()
    one.send(message(6))
    one.send({ type: 'subscribed', topics: at(2, 0, 'f') })
    for (const offset of [1, 2, 3]) one.send(message(offset))
    expect(told()).toEqual([
      'e 6: 6',
      { epoch: 'f', from: null, to: null, reason: 'epoch' },
      'f 1: 1',
      'f 2: 2',
      'f 3: 3',
    ])
    one.end(1006)
    await clock.advance(1_000)
    const two = await leg(2)
    two.open()
    expect(two.said[0]).toMatchObject({ topics: { t: { epoch: 'f', offset: 3 } } })
    // The answer to a position can change the epoch too.
    two.send({ type: 'welcome', server: 's', topics: at(1, 0, 'g') })
    two.send(message(1))
    expect(told()).toEqual([{ epoch: 'g', from: null, to: null, reason: 'epoch' }, 'g 1: 1'])
  })

  it('client rule 4: a message is delivered once, whichever leg brings it first, and an old leg fills a hole of the new one', async () => {
    const { told, one, leg, clock, socket } = await reading()
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    // A server without history begins at its own head.
    two.welcome({ server: 'b', topics: at(8, 8) })
    two.send(message(9))
    expect([told(), one.closed]).toEqual([[], undefined])
    for (const offset of [6, 7, 8]) one.send(message(offset))
    expect(told()).toEqual(['e 6: 6', 'e 7: 7', 'e 8: 8', 'e 9: 9'])
    await clock.flush()
    expect(one.closed).toBe(1000)
    expect(socket.stats()).toMatchObject({ received: 4, delivered: 4, held: 1, gaps: 0, handovers: 1 })
  })

  it('client rule 4: if the old leg brings nothing within gapTimeout, it is closed, and one gap says what is missing', async () => {
    const { told, one, leg, clock } = await reading({ holding: { gapTimeout: 100 } })
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    two.welcome({ server: 'b', topics: at(8, 8) })
    two.send(message(9))
    await clock.advance(99)
    expect(told()).toEqual([])
    await clock.advance(1)
    expect(told()).toEqual([{ epoch: 'e', from: 6, to: 8, reason: 'trimmed' }, 'e 9: 9'])
    one.send(message(6))
    expect(told()).toEqual([])
    expect(one.closed).toBe(1000)
  })

  it('client rule 4: past the bound of held messages the topic is asked for again at once, and nothing is skipped', async () => {
    const { told, one, socket } = await reading({ holding: { maxMessages: 2 } })
    for (const offset of [10, 11, 12]) one.send(message(offset))
    const asked = one.of('subscribe').at(-1)!
    one.send({ type: 'subscribed', id: asked['id'], topics: at(12, 5) })
    for (let offset = 6; offset <= 12; offset++) one.send(message(offset))
    expect(told()).toEqual([6, 7, 8, 9, 10, 11, 12].map((offset) => `e ${offset}: ${offset}`))
    expect(socket.stats().gaps).toBe(0)
  })

  it('client rule 6: the old leg stays until every topic has reached the head that the new leg named, or until overlapLimit', async () => {
    const { one, leg, clock } = await reading({ handover: { overlapLimit: 4_000 } })
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    two.welcome({ server: 'b', topics: at(7, 5) })
    two.send(message(6))
    await clock.advance(3_999)
    expect(one.closed).toBeUndefined()
    await clock.advance(1)
    expect(one.closed).toBe(1000)
  })
})

describe('a topic that is not answered', () => {
  it.each<[string, (id: unknown) => object[]]>([
    ['is in neither the answer nor an error', (id) => [{ type: 'subscribed', id, topics: {} }]],
    [
      'is refused by an error that names the subscribe only',
      (id) => [{ type: 'error', code: 'busy', message: 'later', id }],
    ],
    [
      'is refused for now',
      (id) => [{ type: 'error', code: 'busy', message: 'later', id, topic: 't', retryAfter: 500 }],
    ],
  ])('because it %s, is asked for again until it is answered', async (_, answers) => {
    const { socket, clock, live } = handServed()
    const got: unknown[] = []
    const one = await live()
    socket.subscribe('t', (data) => void got.push(data))
    for (let count = 0; count < 3; count++) {
      for (const frame of answers(one.of('subscribe').at(-1)!['id'])) one.send(frame as { type: string })
      await clock.advance(60_000)
    }
    const asked = one.of('subscribe')
    expect(asked).toHaveLength(4)
    one.send({ type: 'subscribed', id: asked.at(-1)!['id'], topics: at(3) })
    one.send(message(4))
    expect(got).toEqual([4])
  })
})

describe('a topic that is refused before the welcome', () => {
  const refused = (more: object) => ({ type: 'error', code: 'busy', message: 'later', topic: 't', ...more })

  it.each(['close', 'signOut'] as const)('is the last whose onError is called if that calls %s()', async (ends) => {
    const { socket, leg, clock } = handServed()
    const told: string[] = []
    for (const topic of ['t', 'u'])
      socket.subscribe(topic, () => undefined, {
        onError: () => {
          told.push(topic)
          socket[ends]()
        },
      })
    socket.connect()
    const one = await leg(1)
    one.open()
    for (const topic of ['t', 'u']) one.send(refused({ code: 'forbidden', topic }))
    one.welcome({ topics: {} })
    await clock.flush()
    expect(told).toEqual(['t'])
  })

  it('with retryAfter is asked for again on the same leg after that time, and the old leg serves it until then', async () => {
    const { one, leg, told, clock } = await reading()
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    two.open()
    two.send(refused({ retryAfter: 1_500 }))
    two.welcome({ server: 'b', topics: {} })
    one.send(message(6))
    await clock.advance(1_499)
    expect([one.closed, two.of('subscribe')]).toEqual([undefined, []])
    await clock.advance(1)
    const [asked] = two.of('subscribe')
    two.send({ type: 'subscribed', id: asked!['id'], topics: at(7, 5) })
    two.send(message(7))
    await clock.flush()
    expect(told()).toEqual(['e 6: 6', 'e 7: 7'])
    expect(one.closed).toBe(1000)
  })

  it('causes an error when that leg becomes active, and none if it never does', async () => {
    const { one, leg, told, events, socket, clock } = await reading()
    const stream = socket.stream('t')
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    two.open()
    two.send(refused({ code: 'forbidden' }))
    two.end(1011)
    one.send(message(6))
    await clock.flush()
    expect([told(), (await stream.next()).value?.data, events('error')]).toEqual([['e 6: 6'], 6, []])
    await clock.advance(1_000)
    const three = await leg(3)
    three.open()
    three.send(refused({ code: 'forbidden' }))
    three.welcome({ server: 'b', topics: {} })
    expect(events('error')).toMatchObject([{ error: { code: 'forbidden', topic: 't' } }])
    await expect(stream.next()).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('without retryAfter is not asked for again, and does not prolong the overlap', async () => {
    const { one, leg, clock } = await reading()
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    two.open()
    two.send(refused({ code: 'forbidden' }))
    two.welcome({ server: 'b', topics: {} })
    await clock.advance(100)
    expect(two.of('subscribe')).toEqual([])
    expect(one.closed).toBe(1000)
  })
})

describe('a frame that breaks the rules', () => {
  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['a prev that is not before', JSON.stringify(message(7, { prev: 7, data: 7 }))],
    ['an offset of 0', JSON.stringify(message(0))],
    ['an offset that is no whole number', JSON.stringify(message(6.5))],
    ['an offset past 2^53 − 1', '{"type":"message","topic":"t","offset":9007199254740993,"data":1}'],
    ['a second welcome', JSON.stringify({ type: 'welcome', server: 'x', topics: {} })],
    ['a handover without a deadline', JSON.stringify({ type: 'handover', id: 'm', reason: 'r' })],
    ['a binary frame', new ArrayBuffer(4)],
  ])('%s: is an invalid event, and nothing changes', async (_, data) => {
    const { one, told, events, socket, dials } = await reading()
    const before = socket.store.getState()
    one.wire.message(data)
    expect(events('invalid')).toHaveLength(1)
    expect(socket.store.getState()).toEqual(before)
    one.send(message(6))
    expect([told(), dials()]).toEqual([['e 6: 6'], 1])
  })

  it('does not include one with an unknown type or field, which is ignored', async () => {
    const { one, told, events } = await reading()
    one.send({ type: 'confetti', much: true })
    one.send(message(6, { data: 6, colour: 'red' }))
    expect([told(), events('invalid', 'error')]).toEqual([['e 6: 6'], []])
  })
})
