import { describe, expect, it, vi } from 'vitest'
import { handServed } from '../kit/hand-served.js'

const error = (code: string, more: object = {}) => ({ type: 'error', code, message: 'in words', ...more })
const SPREAD = 250 + 500

describe('an error frame and the close after it, on the only leg', () => {
  it.each([
    ['draining', 1012, SPREAD],
    ['timeout', 3008, SPREAD],
    ['busy', 1013, 7_000 + 500, { retryAfter: 7_000 }],
    ['too-slow', 4002, 50 + 500],
    ['protocol', 1002, SPREAD],
    ['a-code-of-the-future', 4300, SPREAD],
  ] as [string, number, number, object?][])(
    '%s, %i: dials again after %i ms, from the position',
    async (code, close, wait, more = {}) => {
      const { socket, clock, live, leg, dials, statuses } = handServed()
      socket.subscribe('t', () => undefined)
      const one = await live()
      one.send({ type: 'message', topic: 't', offset: 6, data: 1 })
      one.send(error(code, more))
      one.end(close)
      await clock.advance(wait - 1)
      expect(dials()).toBe(1)
      await clock.advance(1)
      const two = await leg(2)
      two.welcome()
      expect(two.said[0]).toMatchObject({ leg: 2, topics: { t: { epoch: 'e', offset: 6 } } })
      expect(two.said[0]).not.toHaveProperty('handover')
      expect(statuses).toEqual(['connecting', 'live', 'reconnecting', 'live'])
    },
  )

  it.each([
    ['session-ended', 3000, 'session-ended'],
    ['forbidden', 3003, 'forbidden'],
    ['superseded', 4001, 'superseded'],
  ])('%s, %i: stops', async (code, close, by) => {
    const { socket, clock, live, dials } = handServed()
    const one = await live()
    one.send(error(code))
    one.end(close)
    await clock.advance(600_000)
    expect(socket.store.getState()).toMatchObject({
      status: 'closed',
      closed: { by, code: close, reason: 'in words' },
      leg: null,
      retry: null,
    })
    expect([dials(), clock.pending]).toEqual([1, 0])
  })

  it('protocol: reports each, and gives up after three in a row', async () => {
    const { socket, clock, live, leg, told } = handServed()
    let last = await live()
    for (let n = 1; n <= 3; n++) {
      last.send(error('protocol'))
      last.end(1002)
      await clock.advance(5_000)
      if (n < 3) (last = await leg(n + 1)).welcome()
    }
    expect(told('error')).toHaveLength(3)
    expect(socket.store.getState()).toMatchObject({ status: 'closed', closed: { by: 'protocol', code: 1002 } })
  })

  it('too-large with the id of a publish: that publish fails and is never sent again, and the client reconnects however often it happens', async () => {
    const { socket, clock, live, leg, told } = handServed()
    let last = await live()
    for (let n = 1; n <= 4; n++) {
      const large = socket.publish('t', `large ${n}`).catch(({ code }: { code: string }) => code)
      last.send(error('too-large', { id: last.of('publish').at(-1)!['id'] }))
      last.end(1009)
      expect(await large).toBe('too-large')
      for (let waited = 0; waited < 10 && !(await leg(n + 1).catch(() => null)); waited++) await clock.advance(1_000)
      last = await leg(n + 1)
      last.welcome()
      expect(last.of('publish')).toEqual([])
    }
    expect(told('error')).toEqual([])
    expect(socket.store.getState().status).toBe('live')
  })

  it('unauthorized: fetches a new token at once and tries once more; a second refusal ends the session', async () => {
    const getToken = vi.fn(
      async ({ attempt, reason }: { attempt: number; reason: string }) => `token ${reason} ${attempt}`,
    )
    const { socket, clock, live, leg, dials, told } = handServed({ getToken })
    const one = await live()
    expect(one.said[0]).toMatchObject({ token: 'token first 1' })
    one.send(error('unauthorized'))
    one.end(3000)
    const two = await leg(2)
    two.open()
    expect(two.said[0]).toMatchObject({ token: 'token rejected 1', leg: 2 })
    two.send(error('unauthorized'))
    two.end(3000)
    await clock.advance(600_000)
    expect(socket.store.getState()).toMatchObject({
      status: 'closed',
      closed: { by: 'session-ended' },
      token: { status: 'ended' },
    })
    expect([dials(), getToken.mock.calls.length, told('session-ended').length]).toEqual([2, 2, 1])
    // Signed in again: this is a new session, whose legs are numbered from 1.
    socket.connect()
    const three = await leg(3)
    three.open()
    expect(three.said[0]).toMatchObject({ leg: 1, token: 'token first 1' })
    expect(three.said[0]!['session']).not.toBe(one.said[0]!['session'])
    expect(socket.store.getState()).toMatchObject({ status: 'connecting', everLive: false })
  })

  it('forbidden with a topic: ends that topic only, with an error for its subscribers', async () => {
    const { socket, clock, live, told } = handServed()
    const stream = socket.stream('secret').next()
    socket.subscribe('open', () => undefined)
    socket.connect()
    const one = await live({ topics: { open: { epoch: 'e', offset: 5, after: 5 } } })
    // The welcome left the topic unanswered, so it is requested again.
    const [asked] = one.of('subscribe')
    expect(asked).toMatchObject({ topics: { secret: {} } })
    one.send(error('forbidden', { topic: 'secret', id: asked!['id'] }))
    await expect(stream).rejects.toMatchObject({ code: 'forbidden', topic: 'secret' })
    await clock.advance(60_000)
    expect([one.of('subscribe').length, told('error').length, socket.store.getState().status]).toEqual([1, 1, 'live'])
  })
})

describe('a close without an error frame, on the only leg', () => {
  it.each([
    [1001, SPREAD],
    [1005, SPREAD],
    [1006, SPREAD],
    [1011, SPREAD],
    [1012, SPREAD],
    [1013, SPREAD],
    [1014, SPREAD],
    [1015, SPREAD],
    [3008, SPREAD],
    [3500, SPREAD],
    [4000, SPREAD],
    [4399, SPREAD],
    [4500, SPREAD],
    [1002, SPREAD],
    [1009, SPREAD],
  ])('%i: dials again after %i ms', async (code, wait) => {
    const { clock, live, dials, socket } = handServed()
    const one = await live()
    one.end(code)
    expect(socket.store.getState()).toMatchObject({
      status: 'reconnecting',
      retry: { attempt: 1, at: clock.now() + wait },
    })
    await clock.advance(wait)
    expect(dials()).toBe(2)
  })

  it.each([
    [1000, 'server'],
    [4400, 'server'],
    [4499, 'server'],
    [3003, 'forbidden'],
  ])('%i: stays closed, with closed.by %s', async (code, by) => {
    const { clock, live, dials, socket } = handServed()
    const one = await live()
    one.end(code, 'why')
    await clock.advance(600_000)
    expect(socket.store.getState()).toMatchObject({ status: 'closed', closed: { by, code, reason: 'why' } })
    expect(dials()).toBe(1)
  })

  it.each([1000, 1002, 1006, 1012, 3000, 3003, 4400, 4999])(
    '%i: the answer of onClose comes before the table of close codes',
    async (code) => {
      for (const answer of ['stop', 'retry'] as const) {
        const onClose = vi.fn(() => answer)
        const { live, socket } = handServed({ onClose })
        const one = await live()
        one.end(code, 'why')
        expect(onClose.mock.calls).toEqual([[{ code, reason: 'why' }]])
        expect(socket.store.getState()).toMatchObject(
          answer === 'stop' ? { status: 'closed', closed: { by: 'app', code } } : { status: 'reconnecting' },
        )
      }
    },
  )

  it('the spread is the last one from a welcome or pong, and grows with failures until a leg has lived 30 s', async () => {
    const { clock, live, leg, dials } = handServed()
    const one = await live({ reconnectSpread: 60_000 })
    one.send({ type: 'pong', reconnectSpread: 4_000 })
    one.end(1006)
    await clock.advance(2_250)
    ;(await leg(2)).end(1006)
    await clock.advance(4_250 - 1)
    expect(dials()).toBe(2)
    await clock.advance(1)
    const three = await leg(3)
    three.welcome()
    // A leg that is accepted and closed at once is no success yet.
    three.end(1012)
    await clock.advance(8_250 - 1)
    expect(dials()).toBe(3)
    await clock.advance(1)
    const four = await leg(4)
    four.welcome()
    await clock.advance(30_000)
    four.end(1012)
    await clock.advance(2_250)
    expect(dials()).toBe(5)
  })
})

describe('on any leg', () => {
  it.each([
    ['the standby leg', 2],
    ['the old leg', 1],
  ])('session-ended on %s stops the session', async (which, number) => {
    const { socket, clock, live, leg } = handServed()
    const one = await live()
    const stays = socket.publish('t', 1).catch(({ code }: { code: string }) => code)
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
    const two = await leg(2)
    two.open()
    if (which === 'the old leg') two.welcome({ server: 'b' })
    const ended = await leg(number)
    ended.send(error('session-ended'))
    ended.end(3000)
    await clock.flush()
    expect(socket.store.getState()).toMatchObject({ status: 'closed', closed: { by: 'session-ended' } })
    expect([one.wire.readyState, two.wire.readyState].every((state) => state >= 2)).toBe(true)
    expect(await stays).toBe('outcome-unknown')
  })

  it('superseded on the newest leg stops the session, on an older one it ends that leg only', async () => {
    for (const [number, status] of [
      [2, 'closed'],
      [1, 'live'],
    ] as const) {
      const { socket, live, leg } = handServed()
      const one = await live()
      void socket.publish('t', 1).catch(() => undefined)
      one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline: 30_000 })
      const two = await leg(2)
      two.welcome({ server: 'b' })
      const told = await leg(number)
      told.send(error('superseded'))
      told.end(4001)
      expect(socket.store.getState().status).toBe(status)
      socket.close()
    }
  })
})

describe('silence', () => {
  it('of the active leg causes a handover, not a break, within the heartbeat and 5 s', async () => {
    const { clock, live, leg, told, statuses } = handServed({ heartbeat: { interval: 10_000, timeout: 5_000 } })
    const one = await live({ heartbeat: 8_000 })
    await clock.advance(12_999)
    expect(one.of('ping').length).toBeGreaterThan(0)
    expect(told('handover-started')).toEqual([])
    await clock.advance(1)
    ;(await leg(2)).welcome({ server: 's' })
    expect(told('handover-started', 'cutover')).toMatchObject([{ reason: 'silence' }, { from: 1, to: 2 }])
    expect(statuses).toEqual(['connecting', 'live'])
  })

  it.each([
    ['the server has asked to be left, by a deadline that is over', 5_000],
    ['the server has asked to be left, by a deadline far away', 600_000],
  ])('ends in `reconnecting` when no other leg can be had, although %s', async (_, deadline) => {
    const { clock, live, leg, socket } = handServed({ heartbeat: { interval: 10_000, timeout: 5_000 } })
    const one = await live()
    one.send({ type: 'handover', id: 'm', reason: 'deploy', deadline })
    for (let dial = 2; clock.monotonic() < 25_500; await clock.advance(250))
      if (
        (await leg(dial).then(
          (next) => next.end(),
          () => false,
        )) !== false
      )
        dial++
    expect(socket.store.getState().status).toBe('reconnecting')
    expect(one.closed).toBe(1000)
  })

  it.each([
    [10_000, 10_000],
    [200, 200],
    [0, 50],
  ])(
    'of the client is never longer than the heartbeat of %i ms, and an absurd heartbeat does not make it flood the server',
    async (heartbeat, most) => {
      const { clock, live } = handServed()
      const one = await live({ heartbeat })
      const before = one.said.length
      await clock.advance(most * 10)
      const pings = one.said.length - before
      expect(pings).toBeGreaterThanOrEqual(10)
      expect(pings).toBeLessThanOrEqual(12)
    },
  )
})
