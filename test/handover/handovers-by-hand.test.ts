import { describe, expect, it } from 'vitest'
import { handServed, type HandFrame } from '../kit/hand-served.js'

const move = (more: object = {}): HandFrame => ({
  type: 'handover',
  id: 'm',
  reason: 'deploy',
  deadline: 30_000,
  ...more,
})
const outcome = (published: Promise<{ id: string }>) =>
  published.then(
    ({ id: _, ...rest }) => rest,
    ({ code }: { code: string }) => code,
  )

describe('a server that asks', () => {
  it('client rule 1: keeps the active leg in full use until the cutover, has its id in the new hello, and causes its events in order', async () => {
    const { socket, clock, live, leg, told, statuses } = handServed()
    const got: unknown[] = []
    socket.subscribe('t', (data, { leg: number, replayed }) => void got.push([data, number, replayed]))
    const one = await live()
    one.send(move())
    const two = await leg(2)
    two.open()
    one.send({ type: 'message', topic: 't', offset: 6, data: 'during' })
    const mine = outcome(socket.publish('t', 'mine'))
    expect([one.of('publish').length, two.of('publish').length]).toEqual([1, 0])
    expect(socket.store.getState()).toMatchObject({
      status: 'live',
      leg: { number: 1 },
      handover: { id: 'm', reason: 'deploy', phase: 'dialling' },
    })
    one.send({ type: 'ack', id: one.of('publish')[0]!['id'], offset: 7, data: { fine: true } })
    expect(await mine).toEqual({ offset: 7, data: { fine: true } })
    const [first, second] = [one.said[0]!, two.said[0]!]
    expect(first).toEqual({ type: 'hello', session: first['session'], leg: 1, topics: { t: {} }, timeout: 10_000 })
    // The leg was opened before the message arrived, so its hello has the position of that moment.
    expect(second).toEqual({
      type: 'hello',
      session: first['session'],
      leg: 2,
      topics: { t: { epoch: 'e', offset: 5 } },
      handover: 'm',
      timeout: 10_000,
    })
    two.welcome({ server: 'b', offset: 7 })
    expect(one.closed).toBeUndefined()
    two.send({ type: 'message', topic: 't', offset: 6, data: 'during' })
    two.send({ type: 'message', topic: 't', offset: 7, data: 'replayed' })
    await clock.flush()
    expect(one.closed).toBe(1000)
    two.send({ type: 'message', topic: 't', offset: 8, data: 'live' })
    expect(got).toEqual([
      ['during', 1, false],
      ['replayed', 2, true],
      ['live', 2, false],
    ])
    expect(
      told(
        'handover-requested',
        'handover-started',
        'leg-ready',
        'cutover',
        'leg-closed',
        'handover-finished',
        'handover-failed',
      ),
    ).toMatchObject([
      { type: 'leg-ready', leg: 1, url: 'wss://a.test/live', server: 's' },
      { type: 'handover-requested', id: 'm', reason: 'deploy', deadline: 30_000, spread: 0 },
      { type: 'handover-started', id: 'm', from: 1, to: 2 },
      { type: 'leg-ready', leg: 2, server: 'b' },
      { type: 'cutover', id: 'm', from: 1, to: 2 },
      { type: 'leg-closed', leg: 1, code: 1000, by: 'client' },
      { type: 'handover-finished', id: 'm', from: 1, to: 2 },
    ])
    expect(statuses).toEqual(['connecting', 'live'])
    expect(socket.stats()).toMatchObject({
      received: 4,
      delivered: 3,
      duplicates: 1,
      held: 0,
      gaps: 0,
      handovers: 1,
      reconnects: 0,
      published: 1,
    })
  })

  it.each([
    { spread: 10_000, deadline: 60_000, at: 5_000 },
    // Time for a dial is reserved.
    { spread: 60_000, deadline: 21_000, at: 10_000 },
    { spread: 5_000, deadline: 0, at: 0 },
    { deadline: 30_000, at: 0 },
  ])('waits a random part of spread $spread, within deadline $deadline', async ({ at, ...request }) => {
    const { clock, live, dials } = handServed()
    const one = await live()
    one.send(move(request))
    await clock.advance(at && at - 1)
    expect(dials()).toBe(at ? 1 : 2)
    await clock.advance(1)
    expect(dials()).toBe(2)
  })

  it.each([
    ['wss://b.test/x', ['wss://b.test'], 'wss://b.test/x'],
    ['wss://a.test/other?x=1', [], 'wss://a.test/other?x=1'],
    ['wss://b.test/x', [], null],
    ['wss://b.test.evil.test/', ['wss://b.test'], null],
    ['ws://a.test/live', ['ws://a.test'], null],
    ['wss://me@a.test/', [], null],
    ['//a.test/live', [], null],
    ['nonsense', [], null],
  ])('client rule 2: with the url %s, and redirectOrigins %j, leads to %s', async (url, redirectOrigins, to) => {
    const { clock, live, leg, told } = handServed({ handover: { redirectOrigins: [...redirectOrigins] } })
    const one = await live()
    one.send(move({ url }))
    const two = await leg(2)
    expect(two.url).toBe(to ?? 'wss://a.test/live')
    expect(told('redirect-refused')).toHaveLength(to ? 0 : 1)
    // The next dial, after the failed one, goes to the configured URL.
    two.end()
    await clock.advance(200)
    expect((await leg(3)).url).toBe('wss://a.test/live')
  })

  it('client rule 3: dials again after U(0, min(2 s, 200 ms · 2ⁿ)), whether a dial fails, is refused, or lands on the same server', async () => {
    const { clock, live, leg, dials, socket } = handServed()
    const one = await live()
    one.send(move())
    const spoil = [
      () => leg(2).then((two) => two.end()),
      () => leg(3).then((three) => three.welcome({ server: 's' })),
      () =>
        leg(4).then(
          (four) => (four.open(), four.send({ type: 'error', code: 'draining', message: 'no' }), four.end(1012)),
        ),
      () => leg(5).then((five) => (five.open(), five.end(1000))),
      () => leg(6).then((six) => (six.open(), six.end(4400))),
    ]
    for (const [n, fail] of spoil.entries()) {
      await fail()
      await clock.advance(Math.min(2_000, 200 * 2 ** n) / 2 - 1)
      expect(dials()).toBe(n + 2)
      await clock.advance(1)
      expect(dials()).toBe(n + 3)
    }
    expect((await leg(3)).closed).toBe(1000)
    expect(socket.store.getState()).toMatchObject({ status: 'live', leg: { number: 1 } })
  })

  it('client rule 3: is not left for a leg that opens and is never welcomed', async () => {
    const { clock, live, leg, socket } = handServed()
    const one = await live()
    one.send(move())
    const two = await leg(2)
    two.open()
    await clock.advance(9_999)
    expect(two.closed).toBeUndefined()
    await clock.advance(1)
    expect(two.closed).toBe(1000)
    expect(socket.store.getState().leg?.number).toBe(1)
    await clock.advance(200)
    await leg(3)
  })

  it('client rule 7: past its deadline still serves until it closes the leg, and the dial goes on', async () => {
    const { clock, live, leg, told, socket, statuses } = handServed()
    const one = await live()
    one.send(move({ deadline: 4_000 }))
    await leg(2)
    await clock.advance(4_000)
    expect(told('handover-failed')).toMatchObject([{ id: 'm', why: 'deadline' }])
    expect([one.closed, socket.store.getState().leg?.number]).toEqual([undefined, 1])
    // After the deadline even the server that asked for the handover is better than none.
    ;(await leg(2)).welcome({ server: 's' })
    await clock.flush()
    expect([one.closed, socket.store.getState().leg?.number]).toEqual([1000, 2])
    expect(statuses).toEqual(['connecting', 'live'])
  })

  it.each([1000, 1006, 1012])(
    'client rule 7: and closes first with %i makes the dial under way the reconnection',
    async (code) => {
      const { clock, live, leg, dials, statuses, socket } = handServed()
      const one = await live()
      one.send(move())
      const two = await leg(2)
      one.end(code)
      expect(socket.store.getState().status).toBe('reconnecting')
      two.welcome({ server: 'b' })
      await clock.advance(60_000)
      expect([dials(), statuses]).toEqual([2, ['connecting', 'live', 'reconnecting', 'live']])
    },
  )

  it('client rule 7: serves again when the new leg dies, gets the changed subscriptions, and is handed over again', async () => {
    const { clock, live, leg, socket, statuses, told } = handServed()
    const one = await live()
    const unanswered = socket.publish('t', 1)
    one.send(move())
    const two = await leg(2)
    two.welcome({ server: 'b' })
    socket.subscribe('late', () => undefined)
    await clock.flush()
    expect([one.of('subscribe').length, two.of('subscribe').length]).toEqual([0, 1])
    two.end(1006)
    await clock.flush()
    expect(one.of('subscribe')).toMatchObject([{ topics: { late: {} } }])
    expect(told('handover-failed')).toMatchObject([{ why: 'lost' }])
    one.send({ type: 'ack', id: one.of('publish')[0]!['id'], offset: 6 })
    expect(await unanswered).toMatchObject({ offset: 6 })
    await clock.advance(400)
    ;(await leg(3)).welcome({ server: 'c' })
    expect(statuses).toEqual(['connecting', 'live'])
    expect(socket.store.getState().leg?.number).toBe(3)
  })

  it('client rule 7: and serves again past its deadline is left at its own pace, not with the spread that the new leg’s server gave', async () => {
    const { clock, live, leg, dials, socket } = handServed({ handover: { dwell: 0 } })
    socket.subscribe('t', () => undefined)
    const one = await live()
    one.send(move({ deadline: 4_000 }))
    const two = await leg(2)
    await clock.advance(4_000)
    two.welcome({ server: 'b', offset: 9 })
    two.send(move({ id: 'n', deadline: 600_000, spread: 500_000 }))
    await clock.flush()
    two.end(1006)
    await clock.advance(2_000)
    expect(dials()).toBe(3)
  })

  it('client rule 8: asks a second time: the newer url and deadline hold, and the first handover fails as superseded', async () => {
    const { clock, live, leg, told } = handServed()
    const one = await live()
    one.send(move({ deadline: 2_000 }))
    const two = await leg(2)
    one.send(move({ id: 'n', url: 'wss://a.test/n', deadline: 20_000 }))
    expect(two.closed).toBe(1000)
    expect((await leg(3)).said).toEqual([])
    await clock.advance(4_000)
    expect(told('handover-failed')).toMatchObject([{ id: 'm', why: 'superseded' }])
    const three = await leg(3)
    three.welcome({ server: 'b' })
    expect(three.said[0]).toMatchObject({ handover: 'n', leg: 3 })
  })

  it('client rule 8: asks a second time for the same url: the dial is kept, and each handover has its own events', async () => {
    const { live, leg, told, dials } = handServed()
    const one = await live()
    one.send(move())
    await leg(2)
    one.send(move({ id: 'n', deadline: 20_000 }))
    ;(await leg(2)).welcome({ server: 'b' })
    expect(dials()).toBe(2)
    expect(
      told('handover-started', 'handover-failed', 'cutover').map((event) => [
        event.type,
        (event as { id?: string }).id,
      ]),
    ).toEqual([
      ['handover-started', 'm'],
      ['handover-failed', 'm'],
      ['handover-started', 'n'],
      ['cutover', 'n'],
    ])
  })

  it('client rule 8: on the standby leg is obeyed after the cutover, and not before the dwell is over', async () => {
    const { clock, live, leg, dials } = handServed({ handover: { dwell: 3_000 } })
    const one = await live()
    one.send(move())
    const two = await leg(2)
    two.open()
    two.send(move({ id: 'n' }))
    two.welcome({ server: 'b' })
    await clock.advance(2_999)
    expect([one.closed, dials()]).toEqual([1000, 2])
    await clock.advance(1)
    const three = await leg(3)
    three.welcome({ server: 'c' })
    expect(three.said[0]).toMatchObject({ handover: 'n' })
  })

  it('client rule 8: cancels before readiness, and the standby leg is dropped; another id changes nothing', async () => {
    const { clock, live, leg, told, socket, dials } = handServed()
    const one = await live()
    one.send(move())
    const two = await leg(2)
    one.send({ type: 'handover-cancelled', id: 'other' })
    expect(two.closed).toBeUndefined()
    one.send({ type: 'handover-cancelled', id: 'm' })
    expect(two.closed).toBe(1000)
    await clock.advance(60_000)
    expect([dials(), told('handover-failed')]).toMatchObject([2, [{ why: 'cancelled' }]])
    expect(socket.store.getState()).toMatchObject({ status: 'live', handover: null, leg: { number: 1 } })
  })

  it('client rule 8: before the first welcome is obeyed after it, with no second dial before', async () => {
    const { clock, socket, leg, dials } = handServed()
    socket.connect()
    const one = await leg(1)
    one.open()
    one.send(move())
    await clock.advance(500)
    expect(dials()).toBe(1)
    one.welcome()
    await clock.advance(1_500)
    ;(await leg(2)).welcome({ server: 'b' })
    await clock.advance(500)
    expect([dials(), one.closed, socket.store.getState().leg?.number]).toEqual([2, 1000, 2])
  })

  it('client rule 8: asks a thousand times, a millisecond apart, each time for another url: at most 13 dials, and then one every 3 s', async () => {
    const { clock, live, dials, legs, socket } = handServed()
    const one = await live()
    for (let n = 1; n <= 1_000; n++) {
      one.send(move({ id: `m${n}`, url: `wss://a.test/${n}` }))
      await clock.advance(1)
    }
    expect(dials()).toBeLessThanOrEqual(13)
    await clock.advance(4_000)
    expect(dials()).toBeLessThanOrEqual(14)
    const open = (await legs()).filter(({ wire, closed }) => wire.readyState < 2 && closed === undefined)
    expect(open.map(({ url }) => url)).toEqual(['wss://a.test/live', 'wss://a.test/1000'])
    open[1]!.welcome({ server: 'b' })
    await clock.flush()
    expect(socket.store.getState()).toMatchObject({ status: 'live', handover: null })
  })

  it('client rule 8: asks and cancels hundreds of times: at most 13 dials', async () => {
    const { clock, live, dials, socket } = handServed()
    const one = await live()
    for (let n = 1; n <= 500; n++) {
      one.send(move({ id: `m${n}` }))
      await clock.advance(1)
      one.send({ type: 'handover-cancelled', id: `m${n}` })
      await clock.advance(1)
    }
    expect(dials()).toBeLessThanOrEqual(13)
    await clock.advance(4_000)
    expect(socket.store.getState()).toMatchObject({ status: 'live', handover: null })
  })

  it('client rule 8: asks a thousand times in one moment, each time for another url: one dial, to the last one', async () => {
    const { clock, live, legs, dials, socket } = handServed()
    const one = await live()
    for (let n = 1; n <= 1_000; n++) one.send(move({ id: `m${n}`, url: `wss://a.test/${n}` }))
    await clock.advance(1_000)
    expect(dials()).toBe(2)
    const open = (await legs()).filter(({ wire, closed }) => wire.readyState < 2 && closed === undefined)
    expect(open.map(({ url }) => url)).toEqual(['wss://a.test/live', 'wss://a.test/1000'])
    open[1]!.welcome({ server: 'b' })
    await clock.flush()
    expect(socket.store.getState()).toMatchObject({ status: 'live', handover: null })
  })

  it.each([
    ['of a type that nobody knows', { type: 'later-version' }],
    ['that breaks a rule', { type: 'pong', reconnectSpread: 'soon' }],
  ])('client rule 9: has its deadline checked even at a frame %s', async (_, frame) => {
    const { clock, live, told } = handServed()
    const one = await live()
    one.send(move({ deadline: 5_000 }))
    clock.sleep(5_000)
    one.send(frame)
    // What has arrived meanwhile is delivered first.
    await clock.flush()
    expect(told('handover-failed')).toMatchObject([{ why: 'deadline' }])
  })
})

describe('handover()', () => {
  it('client rule 3: succeeds on the same server too, and closes the old leg when the new one has caught up', async () => {
    const { clock, live, leg, socket } = handServed()
    const one = await live()
    let moved = false
    void socket.handover().then(() => (moved = true))
    const two = await leg(2)
    expect(two.of('hello')).toEqual([])
    two.welcome({ server: 's' })
    await clock.flush()
    expect([one.closed, moved, two.said[0]!['handover']]).toEqual([1000, true, undefined])
  })

  it('called during the overlap of an earlier handover hands over from the new leg', async () => {
    const { clock, live, leg, socket } = handServed()
    const one = await live()
    const moved: string[] = []
    void socket.publish('t', 1)
    void socket.handover().then(() => moved.push('first'))
    ;(await leg(2)).welcome({ server: 'b' })
    void socket.handover().then(() => moved.push('second'))
    await clock.advance(500)
    one.send({ type: 'ack', id: one.of('publish')[0]!['id'] })
    await clock.advance(500)
    expect(moved).toEqual(['first'])
    ;(await leg(3)).welcome({ server: 'c' })
    await clock.flush()
    expect([moved, socket.store.getState().leg?.number]).toEqual([['first', 'second'], 3])
  })
})

describe('a dial that waits for the spread of a request', () => {
  it('comes at the same moment even if the leg closes before', async () => {
    const { clock, live, dials } = handServed()
    const one = await live()
    one.send(move({ spread: 20_000, deadline: 60_000 }))
    await clock.advance(1_000)
    one.end(1012)
    await clock.advance(8_999)
    expect(dials()).toBe(1)
    await clock.advance(1)
    expect(dials()).toBe(2)
  })
})

describe('handover.when', () => {
  it('does not delay the reconnection once the leg to be left is gone', async () => {
    const { clock, live, dials, socket } = handServed({ handover: { when: () => new Promise(() => undefined) } })
    const one = await live()
    one.send(move({ deadline: 60_000 }))
    await clock.advance(1_000)
    one.end(1006)
    expect(socket.store.getState().retry).toEqual({ attempt: 1, at: clock.now() + 750 })
    await clock.advance(749)
    expect(dials()).toBe(1)
    await clock.advance(1)
    expect(dials()).toBe(2)
  })
})
