import { describe, expect, it } from 'vitest'
import { handServed, type HandLeg } from '../kit/hand-served.js'

const said = (leg: HandLeg) => leg.of('signal').map(({ topic, data }) => [topic, data])
const errors = ({ told }: ReturnType<typeof handServed>) =>
  (told('error') as unknown as { error: object }[]).map(({ error }) => error)

function listening(topics = ['room']) {
  const served = handServed()
  const heard: unknown[] = []
  const stops = topics.map((topic) =>
    served.socket.onSignal(topic, (data, { by }) => heard.push(by ? [data, by] : data)),
  )
  return { ...served, heard, stop: () => stops.forEach((stop) => stop()) }
}

describe('a signal', () => {
  it('is not delivered to a handler whose onSignal() call threw', async () => {
    const { socket, live } = handServed()
    const heard: unknown[] = []
    expect(() => socket.onSignal('room', (data) => heard.push(data), { onError: 5 as never })).toThrow('onError')
    socket.subscribe('room', () => {})
    const one = await live()
    one.send({ type: 'signal', id: 'a', topic: 'room', data: 1 })
    expect(heard).toEqual([])
  })

  it('is sent at once; of those that follow in the same animation frame only the newest of each topic is sent', async () => {
    const { socket, live, clock } = listening(['room', 'hall'])
    const one = await live()
    for (const n of [1, 2, 3]) socket.signal('room', n)
    socket.signal('hall', 'a')
    expect(said(one)).toEqual([['room', 1]])
    await clock.advance(250)
    expect(said(one)).toEqual([
      ['room', 1],
      ['room', 3],
      ['hall', 'a'],
    ])
    await clock.advance(1_000)
    socket.signal('room', 4)
    expect(said(one).at(-1)).toEqual(['room', 4])
  })

  it('on each of many topics in a loop is sent, a few topics per animation frame, and only the newest of each', async () => {
    const topics = Array.from({ length: 40 }, (_, n) => `t${n}`)
    const { socket, live, clock } = listening(topics)
    const one = await live()
    for (let n = 0; n < 25; n++) for (const topic of topics) socket.signal(topic, n)
    expect(said(one)).toHaveLength(1)
    await clock.advance(250)
    expect(said(one).length).toBeLessThan(80)
    await clock.advance(5_000)
    expect(said(one)).toHaveLength(41)
    expect(
      said(one)
        .slice(1)
        .every(([, n]) => n === 24),
    ).toBe(true)
  })

  it('has the data as it was at the call, even if the object changes later', async () => {
    const { socket, live, clock } = listening()
    const one = await live()
    const data = { n: 1 }
    socket.signal('room', 0)
    socket.signal('room', data)
    data.n = 2
    await clock.advance(250)
    expect(said(one)[1]).toEqual(['room', { n: 1 }])
  })

  it('reaches each handler of its topic once, whichever leg of a handover brings it first', async () => {
    const { live, leg, heard } = listening()
    const one = await live()
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    two.welcome({ server: 'b' })
    const signal = (id: string, data: unknown) => ({ type: 'signal', id, topic: 'room', data, by: 'ann' })
    one.send(signal('a', 1))
    two.send(signal('a', 1))
    two.send(signal('b', 2))
    one.send(signal('b', 2))
    expect(heard).toEqual([
      [1, 'ann'],
      [2, 'ann'],
    ])
  })

  it('is sent on the active leg, before and after a cutover', async () => {
    const { socket, live, leg, clock } = listening()
    const one = await live()
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    socket.signal('room', 'before')
    two.welcome({ server: 'b' })
    await clock.advance(250)
    socket.signal('room', 'after')
    expect([said(one), said(two)]).toEqual([[['room', 'before']], [['room', 'after']]])
  })

  it.each(['close', 'signOut'] as const)(
    'that waits for the retryAfter of a busy server is dropped at %s(), and leaves no timer',
    async (end) => {
      const { socket, live, leg, clock } = listening()
      const one = await live()
      socket.signal('room', 'said')
      one.send({ type: 'nack', id: one.of('signal')[0]!['id'], code: 'busy', message: 'Later.', retryAfter: 5_000 })
      socket.signal('room', 'waits')
      socket[end]()
      expect(clock.pending).toBe(0)
      socket.connect()
      const two = await leg(2)
      two.welcome()
      await clock.advance(10_000)
      expect(said(two)).toEqual([])
    },
  )

  it('is dropped while no leg serves, and a waiting one is dropped at a sign-out', async () => {
    const { socket, live, leg, clock } = listening()
    socket.signal('room', 'too early')
    const one = await live()
    socket.signal('room', 1)
    socket.signal('room', 'of who has signed out')
    socket.signOut()
    socket.connect()
    const two = await leg(2)
    two.welcome()
    await clock.advance(1_000)
    expect([said(one), said(two)]).toEqual([[['room', 1]], []])
  })

  it('is not delayed by a retryAfter of the session before', async () => {
    const { socket, live, leg, clock } = listening()
    const one = await live()
    socket.signal('room', 1)
    const id = one.of('signal')[0]!.id as string
    one.send({ type: 'nack', id, code: 'busy', message: 'Slow down.', retryAfter: 3_600_000 })
    socket.signOut()
    socket.connect()
    const two = await leg(2)
    two.welcome()
    socket.signal('room', 'of the next one')
    await clock.advance(250)
    expect(said(two)).toEqual([['room', 'of the next one']])
  })

  it.each([
    ['a topic that is not subscribed', 'other', 1, 'invalid'],
    ['no topic', '', 1, 'invalid'],
    ['what JSON has no word for', 'room', () => 1, 'invalid'],
    [
      'a circle',
      'room',
      (() => {
        const ring: { self?: object } = {}
        return (ring.self = ring)
      })(),
      'invalid',
    ],
    ['more than a frame', 'room', 'x'.repeat(70_000), 'too-large'],
  ])('of %s throws, and nothing is sent', async (_, topic, data, code) => {
    const { socket, live, clock } = listening()
    const one = await live({ maxFrame: 65_536 })
    expect(() => socket.signal(topic, data)).toThrow(expect.objectContaining({ code }) as Error)
    await clock.advance(1_000)
    expect(said(one)).toEqual([])
  })

  it('that the server refuses is an error event; after a busy refusal the newest signal waits for its retryAfter', async () => {
    const served = listening()
    const { socket, live, clock } = served
    const one = await live()
    socket.signal('room', 1)
    one.send({ type: 'nack', id: one.of('signal')[0]!.id as string, code: 'forbidden', message: 'Not you.' })
    await clock.advance(250)
    socket.signal('room', 2)
    one.send({
      type: 'nack',
      id: one.of('signal')[1]!.id as string,
      code: 'busy',
      message: 'Slow down.',
      retryAfter: 3_000,
    })
    for (const n of [3, 4, 5]) socket.signal('room', n)
    await clock.advance(2_900)
    expect(said(one)).toHaveLength(2)
    await clock.advance(200)
    expect(said(one)[2]).toEqual(['room', 5])
    expect(errors(served)).toMatchObject([
      { code: 'forbidden', reason: 'forbidden' },
      { code: 'refused', reason: 'busy', retryAfter: 3_000 },
    ])
  })

  it('whose handler throws causes an error event, and the other handlers still get it', async () => {
    const served = listening()
    served.socket.onSignal('room', () => {
      throw new Error('mine')
    })
    const late: unknown[] = []
    served.socket.onSignal('room', (data) => late.push(data))
    const one = await served.live()
    one.send({ type: 'signal', id: 'a', topic: 'room', data: 1 })
    one.send({ type: 'signal', id: 'b', topic: 'nobody', data: 1 })
    expect([served.heard, late]).toEqual([[1], [1]])
    expect(errors(served)).toMatchObject([{ code: 'invalid', cause: { message: 'mine' } }])
  })

  it('has its topic subscribed for as long as there is a listener', async () => {
    const { live, stop, heard } = listening()
    const one = await live()
    expect(Object.keys(one.said[0]!.topics as object)).toEqual(['room'])
    stop()
    stop()
    await Promise.resolve()
    expect(one.of('unsubscribe')).toMatchObject([{ topics: ['room'] }])
    one.send({ type: 'signal', id: 'a', topic: 'room', data: 1 })
    expect(heard).toEqual([])
  })

  it('has its onError called when the topic is refused', async () => {
    const { socket, live } = handServed()
    const told: unknown[] = []
    socket.onSignal('room', () => {}, { onError: (error) => told.push(error) })
    const one = await live()
    one.send({ type: 'error', code: 'forbidden', message: 'No.', topic: 'room' })
    expect(told).toMatchObject([{ code: 'forbidden', topic: 'room' }])
  })
})
