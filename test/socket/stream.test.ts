import { createLiveSocket, type LiveSocketError, type LiveSocketState, type Message } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createStream } from '../../src/socket/stream.js'

type Topics = { prices: unknown; orders: unknown }

async function live(options = {}) {
  const simulation = createSimulation(options)
  const socket = createLiveSocket<Topics>({ url: simulation.url, environment: simulation.environment })
  socket.connect()
  await simulation.advance(500)
  expect(socket.store.getState().status).toBe('live')
  return { simulation, socket }
}

/** Reads until the stream ends. The last entry says how it ended. */
async function readAll(stream: AsyncIterable<Message>, into: unknown[] = []) {
  try {
    for await (const { data } of stream) into.push(data)
    into.push('end')
  } catch (error) {
    into.push((error as LiveSocketError).code)
  }
  return into
}

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)
beforeEach(() => void process.on('unhandledRejection', note))
afterEach(() => {
  process.off('unhandledRejection', note)
  expect(unhandled.splice(0)).toEqual([])
})

/** The parts of a live socket that a stream uses, controlled by the test. */
function byHand() {
  const state = { status: 'live', closed: null } as LiveSocketState
  let tell: (state: LiveSocketState, previous: LiveSocketState) => void = () => undefined
  let handlers = 0
  let onSubscribe = () => undefined as void
  return {
    source: {
      subscriptions: {
        add() {
          handlers++
          onSubscribe()
          return Object.assign(() => void handlers--, { position: () => null })
        },
        status: () => 'live' as const,
      },
      store: {
        getState: () => state,
        getInitialState: () => state,
        subscribe: (listener: typeof tell) => ((tell = listener), () => undefined),
      },
    },
    closesWhenItIsAsked: () => void (onSubscribe = () => tell({ ...state, status: 'closed' }, state)),
    handlers: () => handlers,
  }
}

describe('stream', () => {
  it('leaves nothing behind if the session ends from within its subscribing', async () => {
    const { source, closesWhenItIsAsked, handlers } = byHand()
    closesWhenItIsAsked()
    expect(await readAll(createStream(source, 'prices'))).toEqual(['closed'])
    expect(handlers()).toBe(0)
  })

  it('gives every message in order, with the same fields beside the data as a handler gets', async () => {
    const { simulation, socket } = await live()
    const stream = socket.stream('prices')
    await simulation.advance(100)
    for (const data of [1, 2]) simulation.publish('prices', data)
    const first = stream.next()
    await simulation.advance(100)
    expect((await first).value).toEqual({
      topic: 'prices',
      data: 1,
      offset: 1,
      epoch: expect.any(String),
      leg: 1,
      replayed: false,
    })
    expect((await stream.next()).value).toMatchObject({ data: 2, offset: 2 })
  })

  it('has the messages from between the call and the first read, and goes on through a handover without a loss', async () => {
    const { simulation, socket } = await live()
    const stream = socket.stream('prices')
    const stop = simulation.publishEvery(20, 'prices')
    await simulation.advance(200)
    simulation.deploy()
    await simulation.advance(2_000)
    stop()
    const read: unknown[] = []
    const reading = readAll(stream, read)
    await simulation.advance(200)
    expect(socket.store.getState().leg?.number).toBe(2)
    const [first] = read as number[]
    expect(read).toEqual(simulation.published.map(({ data }) => data).filter((data) => (data as number) >= first!))
    expect(read.length).toBeGreaterThan(95)
    socket.close()
    expect((await reading).at(-1)).toBe('closed')
  })

  it('may be made before connect() and waits for it', async () => {
    const simulation = createSimulation()
    const socket = createLiveSocket<Topics>({ url: simulation.url, environment: simulation.environment })
    const stream = socket.stream('prices')
    const next = stream.next()
    socket.connect()
    await simulation.advance(500)
    simulation.publish('prices', 'first')
    await simulation.advance(100)
    expect((await next).value.data).toBe('first')
  })

  it.each([
    { bound: 'limit', options: { limit: 3 }, data: (n: number) => n },
    { bound: 'maxBytes', options: { maxBytes: 3 * 102 }, data: (n: number) => String(n).padEnd(100, '.') },
  ])(
    'past $bound a slow reader gets the waiting messages in order, then `overflow`, then the end',
    async ({ options, data }) => {
      const { simulation, socket } = await live()
      const stream = socket.stream('prices', options)
      await simulation.advance(100)
      for (let n = 1; n <= 6; n++) simulation.publish('prices', data(n))
      await simulation.advance(100)
      expect(await readAll(stream)).toEqual([data(1), data(2), data(3), 'overflow'])
      expect(await stream.next()).toEqual({ done: true, value: undefined })
    },
  )

  it('lets a single message wait that is larger than maxBytes', async () => {
    const { simulation, socket } = await live()
    const stream = socket.stream('prices', { maxBytes: 10 })
    await simulation.advance(100)
    simulation.publish('prices', 'x'.repeat(1_000))
    await simulation.advance(100)
    expect((await stream.next()).value.data).toHaveLength(1_000)
  })

  it('does not overflow, however many messages come, while the reader keeps up', async () => {
    const { simulation, socket } = await live()
    const read: unknown[] = []
    void readAll(socket.stream('prices', { limit: 2, maxBytes: 30 }), read)
    await simulation.advance(100)
    const behind = socket.stream('prices', { limit: 3, maxBytes: 35 })
    await simulation.advance(100)
    for (let n = 1; n <= 50; n++) {
      simulation.publish('prices', n)
      await simulation.advance(20)
      if (n > 1) expect((await behind.next()).value.data).toBe(n - 1)
    }
    await simulation.advance(100)
    expect(read).toEqual(Array.from({ length: 50 }, (_, at) => at + 1))
  })

  it.each(['break', 'return', 'abort', 'overflow'] as const)('%s unsubscribes from the topic', async (how) => {
    const { simulation, socket } = await live()
    const abort = new AbortController()
    const stream = socket.stream('prices', { signal: abort.signal, limit: 1 })
    await simulation.advance(100)
    const read: unknown[] = []
    if (how === 'break') {
      void (async () => {
        for await (const { data } of stream) {
          read.push(data)
          break
        }
      })()
    }
    for (let n = 1; n <= 2; n++) {
      simulation.publish('prices', n)
      if (how !== 'overflow') await simulation.advance(50)
      if (how === 'return') expect(await stream.return!()).toEqual({ done: true, value: undefined })
      if (how === 'abort') abort.abort()
    }
    await simulation.advance(100)
    const sent = simulation.wire
      .filter(({ by }) => by === 'client')
      .map(({ text }) => JSON.parse(text) as { type: string; topics?: unknown })
    expect(sent.at(-1)).toEqual({ type: 'unsubscribe', topics: ['prices'] })
    if (how === 'break') expect(read).toEqual([1])
    if (how !== 'overflow') expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  it('ends without an error on abort, and at once if the signal is already aborted', async () => {
    const { simulation, socket } = await live()
    const abort = new AbortController()
    const readers = [1, 2].map(() => socket.stream('prices', { signal: abort.signal }).next())
    await simulation.advance(100)
    abort.abort()
    for (const reader of readers) expect(await reader).toEqual({ done: true, value: undefined })
    const sent = simulation.wire.length
    expect(await socket.stream('orders', { signal: abort.signal }).next()).toEqual({ done: true, value: undefined })
    await simulation.advance(100)
    expect(simulation.wire.length - sent).toBeLessThanOrEqual(1)
  })

  it('answers several pending reads in order, and its end settles the rest', async () => {
    const { simulation, socket } = await live()
    const stream = socket.stream('prices')
    await simulation.advance(100)
    const readers = [stream.next(), stream.next(), stream.next(), stream.next()]
    for (const data of [1, 2]) simulation.publish('prices', data)
    await simulation.advance(100)
    socket.close()
    expect(await Promise.allSettled(readers)).toMatchObject([
      { status: 'fulfilled', value: { done: false, value: { data: 1 } } },
      { status: 'fulfilled', value: { done: false, value: { data: 2 } } },
      { status: 'rejected', reason: { code: 'closed', topic: 'prices' } },
      { status: 'fulfilled', value: { done: true } },
    ])
  })

  it.each([
    { end: 'close', by: 'app' },
    { end: 'sign-out', by: 'signed-out' },
    { end: 'the end of the session', by: 'session-ended' },
  ])('$end is a `closed` error that says so, after the messages that had arrived', async ({ by }) => {
    const simulation = createSimulation()
    const socket = createLiveSocket<Topics>({
      url: simulation.url,
      environment: simulation.environment,
      getToken: simulation.getToken,
    })
    socket.connect()
    const stream = socket.stream('prices')
    const unread = socket.stream('prices')
    await simulation.advance(500)
    simulation.publish('prices', 'last')
    await simulation.advance(100)
    if (by === 'app') socket.close()
    else if (by === 'signed-out') socket.signOut()
    else {
      simulation.tokens.end('over')
      simulation.tokens.revoke()
      await simulation.advance(600_000)
    }
    expect(socket.store.getState().closed?.by).toBe(by)
    expect((await stream.next()).value.data).toBe('last')
    await expect(stream.next()).rejects.toMatchObject({
      code: 'closed',
      message: expect.stringContaining(by) as string,
    })
    expect((await stream.next()).done).toBe(true)
    await expect(socket.stream('prices').next()).rejects.toMatchObject({ code: 'closed' })
    expect(await unread.return!('x')).toEqual({ done: true, value: 'x' })
    expect((await unread.next()).done).toBe(true)
  })

  it.each([
    { when: 'when the leg is welcomed', early: true, others: false },
    { when: 'while the leg lives', early: false, others: false },
    { when: 'after a subscriber of the same topic was', early: false, others: true },
  ])('is `forbidden` if the server refuses the topic $when, and other topics go on', async ({ early, others }) => {
    const simulation = createSimulation({ authorize: (topic) => topic !== 'orders' })
    const socket = createLiveSocket<Topics>({ url: simulation.url, environment: simulation.environment })
    if (others) socket.subscribe('orders', () => undefined)
    const allowed = socket.stream('prices')
    const before = early ? socket.stream('orders') : null
    socket.connect()
    await simulation.advance(500)
    const stream = before ?? socket.stream('orders')
    const result = readAll(stream)
    await simulation.advance(500)
    expect(await Promise.race([result, 'nothing'])).toEqual(['forbidden'])
    simulation.publish('prices', 1)
    await simulation.advance(100)
    expect((await allowed.next()).value.data).toBe(1)
  })

  it('survives a lost connection', async () => {
    const { simulation, socket } = await live()
    const read: unknown[] = []
    void readAll(socket.stream('prices'), read)
    await simulation.advance(100)
    simulation.publish('prices', 1)
    await simulation.advance(100)
    simulation.crash()
    simulation.restart()
    simulation.publish('prices', 2)
    await simulation.advance(60_000)
    expect(read).toEqual([1, 2])
  })

  it.each([
    null,
    5,
    { limit: 0 },
    { limit: -1 },
    { limit: 1.5 },
    { limit: NaN },
    { limit: Infinity },
    { limit: '9' },
    { maxBytes: 0 },
    { maxBytes: NaN },
    { signal: {} },
    { signal: null },
  ])('refuses the options %o with `invalid`, and subscribes nothing', async (options) => {
    const { simulation, socket } = await live()
    const sent = simulation.wire.length
    expect(() => socket.stream('prices', options as never)).toThrow(expect.objectContaining({ code: 'invalid' }))
    expect(() => socket.stream('' as never)).toThrow(expect.objectContaining({ code: 'invalid' }))
    await simulation.advance(100)
    expect(simulation.wire.slice(sent).filter(({ text }) => text.includes('subscribe'))).toEqual([])
  })
})
