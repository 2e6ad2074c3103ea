import { createLiveSocket } from 'livesocket'
import { describe, expect, it } from 'vitest'
import type { LiveSocketError } from '../../src/base/errors.js'
import { history, type HistoryOptions } from '../../src/history/history.js'
import { encodeClientFrame } from '../../src/protocol/client-frames.js'
import type { ClientFrame, Position } from '../../src/protocol/frames.js'
import { createSimulation, type Simulation } from '../../src/testing/index.js'

/** A leg controlled by hand: what a client sends, and what it receives. */
function dial(sim: Simulation, url = sim.url, environment = sim.environment) {
  const socket = new environment.WebSocket(url, 'livesocket.v1')
  const heard: string[] = []
  const frames: Record<string, unknown>[] = []
  socket.onopen = () => heard.push('open')
  socket.onerror = () => heard.push('error')
  socket.onclose = ({ code, reason, wasClean }) => heard.push(`close ${code} ${reason}${wasClean ? '' : ' unclean'}`)
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data as string) as Record<string, unknown>
    frames.push(frame)
    heard.push(
      frame['type'] === 'message'
        ? `${String(frame['offset'])}${'data' in frame ? '' : ' hidden'}`
        : String(frame['code'] ?? frame['type']),
    )
  }
  const send = (frame: ClientFrame) => socket.send(encodeClientFrame(frame))
  return {
    socket,
    heard: () => heard.splice(0),
    frames: () => frames.splice(0),
    send,
    hello: (
      topics: Record<string, Position | null> = {},
      more: { leg?: number; session?: string; token?: string } = {},
    ) => send({ type: 'hello', session: 's', leg: 1, ...more, topics: new Map(Object.entries(topics)) }),
  }
}

async function welcomed(
  sim: Simulation,
  topics: Record<string, Position | null> = {},
  more: { leg?: number; session?: string; token?: string } = {},
) {
  const leg = dial(sim)
  await sim.advance(100)
  leg.hello(topics, more)
  await sim.advance(100)
  expect(leg.heard().slice(0, 2)).toEqual(['open', 'welcome'])
  return leg
}

describe('a simulated server', () => {
  it('replays everything after a position, then continues live, in order', async () => {
    const sim = createSimulation()
    const epoch = sim.publish('room', 1).epoch
    for (const data of [2, 3]) sim.publish('room', data)
    const leg = dial(sim)
    await sim.advance(100)
    leg.hello({ room: { epoch, offset: 1 }, other: null })
    sim.publish('room', 4)
    await sim.advance(100)
    sim.publish('room', 5)
    await sim.advance(100)
    expect(leg.heard()).toEqual(['open', 'welcome', '2', '3', '4', '5'])
    expect(leg.frames()[0]).toMatchObject({
      server: 'server-1',
      topics: { room: { epoch, offset: 4, after: 1 }, other: { offset: 0, after: 0 } },
    })
  })

  it.each<[string, (sim: Simulation, epoch: string) => Position | null, object]>([
    ['now on', () => null, { offset: 5, after: 5 }],
    ['a position that is still stored', (_, epoch) => ({ epoch, offset: 4 }), { offset: 5, after: 4 }],
    [
      'a position that was trimmed',
      (sim, epoch) => (sim.log.trim('room', 2), { epoch, offset: 1 }),
      { offset: 5, after: 3 },
    ],
    ['a position in an unknown epoch', () => ({ epoch: 'other', offset: 4 }), { offset: 5, after: 0 }],
    [
      'a position, without history',
      (sim, epoch) => ((sim.log.history = false), { epoch, offset: 1 }),
      { offset: 5, after: 5 },
    ],
  ])('answers %s as the protocol says', async (_, ask, answer) => {
    const sim = createSimulation()
    const { epoch } = sim.publish('room', 1)
    for (const data of [2, 3, 4, 5]) sim.publish('room', data)
    const leg = await welcomed(sim, { room: ask(sim, epoch) })
    expect(leg.frames()[0]!['topics']).toEqual({ room: { epoch, ...answer } })
  })

  it('hides messages by advancing the position, and chains the visible ones by prev', async () => {
    const sim = createSimulation({ filter: (_, data) => data !== 'hidden' })
    const { epoch } = sim.publish('room', 'a')
    for (const data of ['hidden', 'b', 'hidden']) sim.publish('room', data)
    const leg = dial(sim)
    await sim.advance(100)
    leg.hello({ room: { epoch, offset: 0 } })
    await sim.advance(100)
    sim.publish('room', 'c')
    await sim.advance(100)
    expect(leg.heard()).toEqual(['open', 'welcome', '1', '3', '4 hidden', '5'])
    expect(
      leg
        .frames()
        .slice(1)
        .map(({ prev }) => prev),
    ).toEqual([undefined, 1, undefined, 3])
  })

  it('announces a new epoch before it sends its messages', async () => {
    const sim = createSimulation()
    sim.publish('room', 1)
    const leg = await welcomed(sim, { room: null })
    sim.log.loseEpoch('room')
    const { epoch } = sim.publish('room', 2)
    await sim.advance(100)
    expect(leg.heard()).toEqual(['subscribed', '1'])
    expect(leg.frames()[1]).toEqual({ type: 'subscribed', topics: { room: { epoch, offset: 0, after: 0 } } })
  })

  it('applies a publish once, whatever the leg, and gives a repeat the same answer', async () => {
    const sim = createSimulation({
      onPublish: (_, data) => (data === 'no' ? { refuse: { code: 'busy', retryAfter: 5 } } : { data: 'done' }),
    })
    const one = await welcomed(sim)
    const two = await welcomed(sim, {}, { leg: 2 })
    one.frames()
    two.frames()
    for (const leg of [one, two]) leg.send({ type: 'publish', id: 'p', topic: 'room', data: 1 })
    two.send({ type: 'publish', id: 'q', topic: 'room', data: 'no' })
    await sim.advance(100)
    const ack = { type: 'ack', id: 'p', offset: 1, data: 'done' }
    expect([one.frames(), two.frames()]).toEqual([
      [ack],
      [ack, expect.objectContaining({ type: 'nack', code: 'busy', retryAfter: 5 })],
    ])
    expect(sim.published).toHaveLength(1)
    sim.forgetPublishes()
    two.send({ type: 'publish', id: 'p', topic: 'room', data: 1, age: 200 })
    await sim.advance(100)
    expect(two.frames()).toEqual([expect.objectContaining({ type: 'nack', code: 'outcome-unknown' })])
  })

  it('answers a publish whose onPublish threw, and later publishes, as a real server does', async () => {
    const sim = createSimulation({
      onPublish: (_, data) => {
        if (data === 'bad') throw new Error('a mistake in onPublish')
        return {}
      },
    })
    const leg = await welcomed(sim)
    leg.frames()
    for (const data of ['bad', 'good']) leg.send({ type: 'publish', id: data, topic: 'room', data })
    await sim.advance(100)
    expect(leg.frames()).toMatchObject([
      { type: 'nack', id: 'bad', code: 'error' },
      { type: 'ack', id: 'good', offset: 1 },
    ])
  })

  it('stores a message as it was when it was published, even if the application changes the object later', async () => {
    const sim = createSimulation()
    const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
    const room = sim.observe(socket, 'room')
    socket.connect()
    await sim.advance(100)
    const cart = { items: 1, when: new Date(0) }
    for (const items of [1, 2]) {
      sim.publish('room', Object.assign(cart, { items }))
      await sim.advance(100)
    }
    cart.items = 3
    expect(room.problems()).toEqual([])
    expect(room.messages.map(({ data }) => data)).toMatchObject([{ items: 1 }, { items: 2 }])
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    for (const bad of [undefined, 1n, () => 1, circle])
      expect(() => sim.publish('room', bad)).toThrow(/published into "room" is no JSON/)
    sim.publish('room', 'last')
    await sim.advance(100)
    expect(room.problems()).toEqual([])
    expect(room.messages).toHaveLength(3)
    socket.close()
  })

  it('refuses an invalid history request as a real server does: without a limit, without a topic, before an epoch that is over', async () => {
    const sim = createSimulation()
    const socket = createLiveSocket<{ room: number }>({ url: sim.url, environment: sim.environment })
    socket.connect()
    for (let n = 1; n <= 1_002; n++) sim.publish('room', n)
    await sim.advance(100)
    const asked = async (ask: object) => {
      const page = history(socket, 'room', ask as HistoryOptions).then(
        (messages) => messages.length,
        ({ code, reason }: LiveSocketError) => `${code} ${reason}`,
      )
      await sim.advance(100)
      return page
    }
    for (const limit of [0, -1, NaN, 1.5, undefined]) expect(await asked({ limit })).toBe('refused invalid')
    expect(await asked({ limit: 3, before: 7 })).toBe('refused invalid')
    expect(await asked({ limit: 3, before: { epoch: 'of another log', offset: 2 } })).toBe('refused epoch')
    expect(await asked({ limit: 5_000 })).toBe(1_000)
    socket.close()
  })

  it('forgets a retry time once it gets another instruction', async () => {
    const sim = createSimulation()
    sim.refuse('busy', 5_000)
    sim.refuse('forbidden')
    const leg = dial(sim)
    await sim.advance(100)
    leg.hello()
    await sim.advance(100)
    expect(leg.frames()[0]).not.toHaveProperty('retryAfter')
    sim.refuse('busy', 5_000)
    sim.accept()
    expect(sim.servers[0]!.retryAfter).toBeUndefined()
  })

  it.each<[string, Parameters<Simulation['refuse']>, string[]]>([
    ['refuses', ['refuses'], ['error', 'close 1006  unclean']],
    ['hangs', ['hangs'], []],
    ['mute', ['mute'], ['open', 'timeout', 'close 3008 timeout']],
    ['unauthorized', ['unauthorized'], ['open', 'unauthorized', 'close 3000 unauthorized']],
    ['forbidden', ['forbidden'], ['open', 'forbidden', 'close 3003 forbidden']],
    ['busy', ['busy', 700], ['open', 'busy', 'close 1013 busy']],
    ['protocol', ['protocol'], ['open', 'protocol', 'close 1002 protocol']],
  ])('that is set to be %s', async (_, behaviour, heard) => {
    const sim = createSimulation()
    sim.refuse(...behaviour)
    const leg = dial(sim)
    await sim.advance(100)
    if (leg.socket.readyState === 1) leg.hello()
    await sim.advance(11_000)
    expect(leg.heard()).toEqual(heard)
  })

  it('closes a silent leg, and sends heartbeats itself', async () => {
    const sim = createSimulation({ heartbeat: 5_000 })
    const leg = await welcomed(sim)
    await sim.advance(11_000)
    expect(leg.heard()).toEqual(['pong', 'error', 'close 1006  unclean'])
  })

  it('refuses an older leg of a session, a malformed frame and a frame that is too large', async () => {
    const sim = createSimulation({ maxFrame: 200 })
    const first = await welcomed(sim)
    const again = dial(sim)
    await sim.advance(100)
    again.hello()
    first.socket.send('{"type":"publish"}')
    const large = await welcomed(sim, {}, { leg: 2 })
    large.send({ type: 'publish', id: 'p', topic: 'room', data: 'x'.repeat(200) })
    await sim.advance(100)
    expect(again.heard()).toEqual(['open', 'superseded', 'close 4001 superseded'])
    expect(first.heard()).toEqual(['protocol', 'close 1002 protocol'])
    expect(large.heard()).toEqual(['too-large', 'close 1009 too-large'])
  })

  it('checks tokens, and closes a leg whose token has expired', async () => {
    const sim = createSimulation({ requireToken: true })
    sim.tokens.ttl = 1_000
    const signal = new AbortController().signal
    const answer = sim.getToken({ reason: 'first', signal })
    await sim.advance(20)
    const { token } = (await answer) as { token: string }
    const leg = await welcomed(sim, {}, { token })
    const without = dial(sim)
    await sim.advance(100)
    without.hello({}, { session: 'other' })
    await sim.advance(1_000)
    expect(without.heard()).toEqual(['open', 'unauthorized', 'close 3000 unauthorized'])
    expect(leg.heard()).toEqual(['unauthorized', 'close 3000 unauthorized'])
  })
})

describe('a simulation under Jest with jsdom', () => {
  it.each(['MessageChannel', 'structuredClone', 'TextEncoder'] as const)('works without %s', async (name) => {
    const kept = Object.getOwnPropertyDescriptor(globalThis, name)!
    Reflect.deleteProperty(globalThis, name)
    try {
      const sim = createSimulation({ requireToken: true })
      const sockets = [sim.environment, sim.tab()].map((environment) =>
        createLiveSocket({ url: sim.url, environment, getToken: sim.getToken }),
      )
      const seen = sockets.map((socket) => sim.observe(socket, 'news'))
      for (const socket of sockets) socket.connect()
      await sim.advance(500)
      const stop = sim.publishEvery(20, 'news')
      sim.deploy()
      await sim.advance(2_000)
      stop()
      await sim.advance(100)
      for (const { messages, problems } of seen) {
        expect(messages.length).toBeGreaterThan(90)
        expect(problems()).toEqual([])
      }
      // One tab requested the token, and passed it to the other.
      expect(sim.tokens.requests).toHaveLength(1)
      for (const socket of sockets) socket.close()
    } finally {
      Object.defineProperty(globalThis, name, kept)
    }
  })
})

describe('the simulated cluster', () => {
  it('asks legs to hand over at a rate, and closes the remaining ones at the deadline', async () => {
    const sim = createSimulation()
    const stays = await welcomed(sim)
    const goes = await welcomed(sim, {}, { session: 'other' })
    const { from, to } = sim.deploy({ deadline: 2_000, rate: 1, spread: 50 })
    await sim.advance(20)
    expect([stays.heard(), goes.heard()]).toEqual([['handover'], []])
    await sim.advance(1_000)
    expect(goes.heard()).toEqual(['handover'])
    expect(goes.frames()[1]).toEqual({
      type: 'handover',
      id: 'server-1-handover-2',
      reason: 'deploy',
      deadline: 1_000,
      spread: 50,
    })
    goes.socket.close(1000)
    await sim.advance(1_000)
    expect([stays.heard(), goes.heard()]).toEqual([['close 1012 deploy'], ['close 1000 ']])
    expect([from[0]!.state, to[0]!.state]).toEqual(['down', 'up'])
    await welcomed(sim, {}, { session: 'third' })
    expect(to[0]!.legs).toBe(1)
  })

  it('sends dials to the new servers, to an old one that the balancer still uses, or to the one that a URL names', async () => {
    const sim = createSimulation()
    await welcomed(sim)
    sim.rebalance({ staleDials: 1 })
    const { to } = sim.deploy({ staleDials: 1 })
    for (const url of [sim.url, sim.url, sim.servers[0]!.url, 'wss://elsewhere.test/']) dial(sim, url)
    await sim.advance(100)
    expect(sim.dials.slice(1).map(({ server }) => server)).toEqual(['server-1', to[0]!.id, 'server-1', null])
  })

  it('cancels a request to hand over', async () => {
    const sim = createSimulation()
    const leg = await welcomed(sim)
    sim.deploy().cancel()
    await sim.advance(20_000)
    expect(leg.heard()).toEqual(['handover', 'handover-cancelled', 'pong', 'error', 'close 1006  unclean'])
    expect(sim.servers.map(({ state, taking }) => [state, taking])).toEqual([
      ['up', true],
      ['up', false],
    ])
  })

  it('crashes, refuses dials, and comes up again', async () => {
    const sim = createSimulation()
    const leg = await welcomed(sim)
    sim.crash()
    const refused = dial(sim)
    await sim.advance(100)
    expect([leg.heard(), refused.heard()]).toEqual([
      ['error', 'close 1006  unclean'],
      ['error', 'close 1006  unclean'],
    ])
    sim.restart()
    await welcomed(sim, {}, { leg: 2 })
  })

  it('refuses a topic once, in the hello or later, and answers for the other topics', async () => {
    const sim = createSimulation({ authorize: (topic) => !topic.startsWith('secret') })
    const socket = createLiveSocket({ url: sim.url, environment: sim.environment, debug: false })
    const errors: string[] = []
    socket.on('error', ({ error }) => errors.push(`${error.code} ${error.topic}`))
    for (const topic of ['secret 1', 'open 1']) socket.subscribe(topic, () => {})
    socket.connect()
    await sim.advance(1_000)
    for (const topic of ['secret 2', 'open 2']) socket.subscribe(topic, () => {})
    await sim.advance(60_000)
    expect(errors).toEqual(['forbidden secret 1', 'forbidden secret 2'])
    socket.close()
  })

  it('gives the same run for the same seed', async () => {
    const run = async () => {
      const sim = createSimulation({ seed: 3 })
      const leg = await welcomed(sim, { room: null })
      const stop = sim.publishEvery(7, 'room')
      sim.delay({ down: 30 })
      await sim.advance(200)
      stop()
      return [leg.heard(), sim.random(), sim.environment.random()]
    }
    expect(await run()).toEqual(await run())
  })
})
