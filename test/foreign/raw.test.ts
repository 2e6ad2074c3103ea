import { describe, expect, it } from 'vitest'
import { LiveSocketError } from '../../src/base/errors.js'
import type { ClientFrame, Position } from '../../src/protocol/frames.js'
import type { ForeignMerge } from '../../src/foreign/foreign-merge.js'
import { rawProtocol, type RawHello, type RawProtocolOptions } from '../../src/foreign/raw.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { openCodec } from '../kit/open-codec.js'

const hello: ClientFrame = {
  type: 'hello',
  session: 's',
  leg: 3,
  token: 'T',
  topics: new Map([['t', { epoch: 'e', offset: 4 }]]),
}
const message: RawProtocolOptions['message'] = (data) => ({ topic: 't', data })

function codecOf(options: Partial<RawProtocolOptions> = {}) {
  const codec = openCodec(rawProtocol({ message, ...options }))
  return codec
}

describe('which promise is kept', () => {
  it.each([
    [{ position: () => ({ offset: 1 }), identity: () => 'a' }, 'position'],
    [{ identity: () => 'a' }, 'identity'],
    [{}, 'none'],
  ] as [Partial<RawProtocolOptions>, string][])('by %o it is %s', (options, merge) => {
    expect(rawProtocol({ message, ...options }).merge).toBe(merge)
  })

  it.each([
    [{}, false],
    [{ drained: () => false }, true],
    [{ ping: () => 'p' }, false],
    [{ ping: () => 'p', pong: () => false }, true],
    [{ ping: () => 'p', pong: () => false, marksEnd: false }, false],
  ] as [Partial<RawProtocolOptions>, boolean][])('with %o an end is marked: %s', (options, marksEnd) => {
    const { createMerge } = rawProtocol({ message, identity: () => 'a', ...options })
    const deps = { clock: createSimulatedClock(), id: () => 'id', gapTimeout: 250, maxMessages: 9, maxBytes: 999 }
    const merge = (createMerge as (deps: object, handlers: object) => ForeignMerge)(deps, { send: () => true })
    for (const leg of [1, 2]) {
      merge.hello(leg)
      merge.ready(leg, new Map(), new Set())
    }
    merge.drained(1)
    expect(merge.caughtUp()).toBe(marksEnd)
  })
})

describe('when a leg is ready', () => {
  const welcome = [
    { type: 'welcome', server: 'leg 3', topics: new Map(), heartbeat: undefined, reconnectSpread: undefined },
  ]

  it('is ready once it is open, if the protocol has no welcome', () => {
    const codec = codecOf()
    codec.encode(hello)
    codec.written!(hello)
    expect(codec.told()).toEqual(welcome)
  })

  it('is ready when the server says so, once, with what the server says about itself', () => {
    const codec = codecOf({ ready: (data) => (data === 'hi' ? { server: 'blue', heartbeat: 5_000 } : false) })
    codec.written!(hello)
    expect(codec.told()).toEqual([])
    expect(codec.decode('hi')).toEqual([{ ...welcome[0], server: 'blue', heartbeat: 5_000 }])
    expect(codec.decode('hi')).toMatchObject({ type: 'message', data: 'hi' })
  })

  it('is ready when it has answered a ping that was sent after the hello', () => {
    const codec = codecOf({ hello: () => ['one', 'two'], ping: () => 'ping', pong: (data) => data === 'pong' })
    expect(codec.encode(hello)).toEqual(['one', 'two', 'ping'])
    codec.written!(hello)
    expect(codec.told()).toEqual([])
    expect(codec.decode('pong')).toEqual([{ ...welcome[0], heartbeat: 20_000 }])
    expect(codec.decode('pong')).toEqual([{ type: 'pong' }])
  })

  it('is ready when it opens if `opened` says so, whatever `ready` waits for', () => {
    const codec = codecOf({ ready: (data) => data === 'hi', opened: () => true })
    codec.encode(hello)
    codec.written!(hello)
    expect(codec.told()).toEqual(welcome)
    expect(codec.decode('hi')).toMatchObject({ type: 'message' })
  })
})

describe('the last identity of each topic', () => {
  let asked: RawHello | undefined
  const topics = new Map([
    ['t', { epoch: 'e', offset: 4 }],
    ['u', null],
  ])
  const identified = () =>
    rawProtocol({
      message: (data) => ({ topic: String(data)[0]!, data }),
      identity: ({ data }) => String(data),
      hello: (ask) => void (asked = ask),
    })
  const greet = (
    protocol: ReturnType<typeof rawProtocol>,
    session = 's',
    wanted: ReadonlyMap<string, Position | null> = topics,
  ) => {
    const codec = openCodec(protocol)
    expect(codec.encode({ ...hello, session, topics: wanted } as ClientFrame)).toEqual([])
    return codec
  }

  it('is passed to the next hello, with the token, the topics and their positions', () => {
    const protocol = identified()
    greet(protocol).decode('t7')
    greet(protocol)
    expect(asked).toMatchObject({ token: 'T', session: 's', leg: 3, topics })
    expect([asked!.last('t'), asked!.last('u')]).toEqual(['t7', undefined])
  })

  it('belongs to one session only, if several sockets share a protocol', () => {
    const protocol = identified()
    greet(protocol).decode('t7')
    greet(protocol, 'another')
    expect(asked!.last('t')).toBe(undefined)
  })

  it('is kept only for subscribed topics, whatever topics a server names', () => {
    const protocol = identified()
    const codec = greet(protocol)
    codec.decode('x1')
    codec.decode('t1')
    codec.encode({ type: 'unsubscribe', topics: ['t'] })
    codec.decode('t2')
    codec.decode('u1')
    greet(
      protocol,
      's',
      new Map([
        ['t', null],
        ['x', null],
      ]),
    )
    expect(['x', 't', 'u'].map((topic) => asked!.last(topic))).toEqual([undefined, undefined, undefined])
  })
})

it.each([
  [{ handover: () => true }, { type: 'handover', reason: 'the server asked', deadline: 30_000 }],
  [
    { handover: () => ({ url: 'wss://b', deadline: 9, spread: 2, id: 'h' }) },
    { type: 'handover', id: 'h', url: 'wss://b', deadline: 9, spread: 2 },
  ],
  [{ drained: () => true }, { type: 'drained' }],
  [{ answer: () => ({ id: '1', data: 'ok' }) }, { type: 'ack', id: '1', data: 'ok' }],
  [{ answer: () => ({ id: '1', refused: 'no' }) }, { type: 'nack', id: '1', code: 'refused', message: 'no' }],
  [
    { position: () => ({ offset: 5, prev: 2, epoch: 'e' }) },
    { type: 'message', topic: 't', offset: 5, prev: 2, epoch: 'e', data: 'x' },
  ],
  [{ identity: () => 'i' }, { type: 'message', identity: 'i', data: 'x' }],
  [{ unauthorized: () => 'expired' }, { type: 'error', code: 'unauthorized', message: 'expired' }],
  [
    { refused: () => ({ topic: 't', reason: 'over', ended: true }) },
    { type: 'error', code: 'ended', topic: 't', message: 'over' },
  ],
  [
    { begins: () => ({ topic: 't', data: 1 }), identity: () => 'i' },
    { type: 'message', opening: true, identity: null, data: 1 },
  ],
] as [Partial<RawProtocolOptions>, object][])('reads %o as %o', (options, frame) => {
  expect([codecOf(options).decode('x')].flat()).toMatchObject([frame])
})

it('reads several messages, or none, from one piece of data', () => {
  const codec = codecOf({
    message: (data) => (data === '' ? null : [...(data as string)].map((letter) => ({ topic: 't', data: letter }))),
  })
  expect(codec.decode('ab')).toMatchObject([{ data: 'a' }, { data: 'b' }])
  expect(codec.decode('')).toEqual([])
})

it('ignores all frames of a piece of data if one of them cannot be read or is an error', () => {
  const codec = codecOf({
    split: (data) => (data as string).split(','),
    message: (data) => (data === 'bad' ? { topic: '', data } : { topic: 't', data }),
    invalid: (data) => (data === 'err' ? 'said the server' : null),
  })
  expect(codec.decode('a,bad,err,b')).toMatchObject([
    { data: 'a' },
    { invalid: expect.stringContaining('topic') as string },
    { invalid: 'said the server' },
    { data: 'b' },
  ])
})

describe('a leg whose topics are not all answered', () => {
  const slow = () => {
    const waiting = new Set(['t', 'u'])
    const codec = codecOf({
      hello: () => 'join',
      ping: () => 'ping',
      pong: (data) => data === 'pong',
      waiting: () => [...waiting],
      ready: (data) => (waiting.delete(data as string), waiting.size === 0),
      message: () => null,
    })
    codec.written!(hello)
    return codec
  }
  const without = (...topics: string[]) => [
    ...topics.map((topic) => ({ type: 'error', code: 'timeout', topic })),
    { type: 'welcome' },
  ]

  it('is ready without them after a time limit, and reports which topics they are', async () => {
    const codec = slow()
    expect(codec.decode('t')).toEqual([])
    await codec.clock.advance(4_999)
    expect(codec.told()).toEqual([])
    await codec.clock.advance(1)
    expect(codec.told()).toMatchObject(without('u'))
    expect(codec.decode('u')).toEqual([])
  })

  it('first pings a server that has sent nothing at all', async () => {
    const codec = slow()
    await codec.clock.advance(5_000)
    expect([codec.told(), codec.replies()]).toEqual([[], ['ping']])
    expect(codec.decode('pong')).toMatchObject(without('t', 'u'))
    expect(codec.decode('pong')).toMatchObject([{ type: 'pong' }])
  })

  it('tells the pong to its own ping from other pongs', async () => {
    const codec = slow()
    await codec.clock.advance(5_000)
    expect(codec.decode('t')).toMatchObject(without('u'))
    expect([codec.decode('pong'), codec.decode('pong')]).toMatchObject([[], [{ type: 'pong' }]])
  })

  it('does not become ready if the server has refused the token, and waits for nothing once it is closed', async () => {
    const codec = codecOf({
      waiting: () => ['t'],
      ready: () => false,
      message: () => null,
      unauthorized: (data) => data === 'no',
    })
    codec.written!(hello)
    codec.decode('no')
    await codec.clock.advance(5_000)
    expect(codec.told()).toEqual([])
    codec.written!(hello)
    codec.lost!()
    expect(codec.clock.pending).toBe(0)
  })
})

describe('a leg that is left', () => {
  const leaving = (options: Partial<RawProtocolOptions> = {}) =>
    codecOf({ ping: () => 'ping', pong: (data) => data === 'pong', ready: () => true, ...options })
  const send = (codec: ReturnType<typeof codecOf>, frame: ClientFrame) => {
    codec.encode(frame)
    codec.written!(frame)
  }

  it('has ended once it has answered a ping sent at that moment; the answer to an earlier ping proves nothing', () => {
    const codec = leaving()
    codec.decode('ready')
    send(codec, { type: 'ping' })
    send(codec, { type: 'leave' })
    expect(codec.replies()).toEqual(['ping'])
    expect(codec.decode('pong')).toEqual([{ type: 'pong' }])
    expect(codec.decode('pong')).toEqual([{ type: 'pong' }, { type: 'drained' }])
    expect(codec.decode('pong')).toEqual([{ type: 'pong' }])
  })

  it('does not count the answer to the ping after the hello as the answer to that ping', () => {
    const codec = codecOf({ ping: () => 'ping', pong: (data) => data === 'pong', opened: () => true })
    send(codec, hello)
    send(codec, { type: 'leave' })
    expect(codec.decode('pong')).toEqual([])
    expect(codec.decode('pong')).toEqual([{ type: 'pong' }, { type: 'drained' }])
  })

  it.each<[string, (codec: ReturnType<typeof leaving>) => unknown]>([
    ['its publishes are answered', (codec) => codec.decode('p')],
    ['they have had the time of a slow round trip', (codec) => codec.clock.advance(1_000)],
  ])('keeps its topics until %s', async (_, act) => {
    const codec = leaving({
      leave: () => 'leave',
      answer: (data) => (data === 'p' ? { id: 'p' } : null),
      unanswered: ({ data }) => data === 'no answer',
    })
    codec.decode('ready')
    send(codec, { type: 'publish', id: 'p', topic: 't', data: 1 })
    send(codec, { type: 'publish', id: 'q', topic: 't', data: 'no answer' })
    expect(codec.told()).toEqual([{ type: 'ack', id: 'q' }])
    send(codec, { type: 'leave' })
    await codec.clock.advance(999)
    expect(codec.replies()).toEqual([])
    await act(codec)
    expect(codec.replies()).toEqual(['leave'])
    expect(codec.clock.pending).toBe(0)
  })

  it('keeps its topics if the next leg dies meanwhile, and starts none of them over', async () => {
    const codec = leaving({
      leave: () => 'leave',
      answer: (data) => (data === 'p' ? { id: 'p' } : null),
      subscribe: (topics) => [...topics.keys()].join(),
    })
    send(codec, hello)
    codec.decode('ready')
    send(codec, { type: 'publish', id: 'p', topic: 't', data: 1 })
    send(codec, { type: 'leave' })
    const both = new Map(['t', 'u'].map((topic) => [topic, null]))
    expect(codec.encode({ type: 'subscribe', id: 's', topics: both })).toBe('u')
    expect(codec.encode({ type: 'subscribe', id: 's', topics: both })).toBe('t,u')
    codec.decode('p')
    await codec.clock.advance(10_000)
    expect(codec.replies()).toEqual([])
  })
})

it('keeps the state of each leg separate if the options are a function', () => {
  const protocol = rawProtocol(() => {
    let count = 0
    return { message: () => ({ topic: 't', data: ++count }) }
  })
  const [one, two] = [openCodec(protocol), openCodec(protocol)]
  one.decode('')
  expect([one.decode(''), two.decode('')]).toMatchObject([{ data: 2 }, { data: 1 }])
})

it('publishes text and bytes as they are, and anything else as JSON', () => {
  const codec = codecOf()
  const bytes = new ArrayBuffer(2)
  const publish = (data: unknown) => codec.encode({ type: 'publish', id: '1', topic: 't', data })
  expect([publish('text'), publish({ a: 1 }), publish(bytes)]).toEqual(['text', '{"a":1}', bytes])
})

describe('bad input', () => {
  it.each([
    [
      'a function that throws',
      {
        message: () => {
          throw new TypeError('the secret')
        },
      },
      /a function of rawProtocol threw: TypeError/,
    ],
    ['a message without a topic', { message: () => ({ topic: '', data: 1 }) }, /must name a topic/],
    ['a message without a position', { position: () => null }, /must number every message/],
    ['a position that is none', { position: () => ({ offset: 3, prev: 3 }) }, /0 <= prev < offset/],
    ['a position without a number', { position: () => ({}) as { offset: number } }, /whole numbers/],
    ['a fraction for an offset', { position: () => ({ offset: 1.5 }) }, /whole numbers/],
  ] as [string, Partial<RawProtocolOptions>, RegExp][])(
    'reports %s as an event without secrets',
    (_name, options, reason) => {
      const said = codecOf(options).decode('x')
      expect(said).toMatchObject({ invalid: expect.stringMatching(reason) as string })
      expect(JSON.stringify(said)).not.toContain('secret')
    },
  )

  it('reports a function that throws while sending', () => {
    const codec = codecOf({
      publish: () => {
        throw new Error()
      },
    })
    const publish: ClientFrame = { type: 'publish', id: '1', topic: 't', data: 1 }
    expect(codec.encode(publish)).toEqual([])
    codec.written!(publish)
    expect(codec.told()).toMatchObject([
      { invalid: expect.any(String) as string },
      { type: 'nack', id: '1', code: 'invalid', message: expect.any(String) as string },
    ])
  })

  it.each([
    [null, /object of functions/],
    [{}, /message must be a function/],
    [{ message, ready: true }, /ready must be a function/],
    [{ message, overlap: 'no' }, /overlap must be/],
    [{ message, pong: () => true }, /`pong` answers a `ping`/],
  ])('refuses %o with a clear error', (options, text) => {
    expect(() => rawProtocol(options as unknown as RawProtocolOptions)).toThrow(LiveSocketError)
    expect(() => rawProtocol(options as unknown as RawProtocolOptions)).toThrow(text)
  })
})

describe('the last words', () => {
  it('are the client’s if it closes a leg, and the server’s if it ends the session', () => {
    const codec = codecOf({ goodbye: () => 'bye', ended: (data) => (data === 'go away' ? 'go away' : null) })
    expect(codec.goodbye!()).toEqual(['bye'])
    expect(codec.decode('go away')).toEqual([{ type: 'error', code: 'forbidden', message: 'go away' }])
    expect(codec.decode('x')).toMatchObject({ type: 'message' })
  })

  it.each([
    [{ leastOverlap: -1 }, /milliseconds/],
    [{ leastOverlap: Number.NaN }, /milliseconds/],
    [{ leastOverlap: 1_000 }, /needs `drained`/],
  ])('refuses %o', (options, why) => {
    expect(() => rawProtocol({ message, ...options })).toThrow(why)
  })

  it('does not count the begin of a topic as a message', () => {
    const codec = codecOf({ begins: () => [{ topic: 't', data: 1, head: true }], message: () => null })
    expect(codec.decode('x')).toMatchObject([{ type: 'message', topic: 't', head: true, hasData: false }])
  })
})
