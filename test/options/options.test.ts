import { createLiveSocket, LiveSocketError, type LiveSocketOptions } from 'livesocket'
import { createSimulatedClock, createSimulation } from 'livesocket/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { dialUrl } from '../../src/options/settings.js'

const url = 'wss://live.test/path'
const HUGE = 1e300

/** Values that no numeric option accepts. */
const NO_NUMBER: unknown[] = [
  null,
  '5',
  '',
  NaN,
  Infinity,
  -Infinity,
  -1,
  HUGE,
  {},
  [],
  [5],
  true,
  5n,
  Symbol('5'),
  () => 5,
  new Date(),
]
const NO_OBJECT: unknown[] = [null, 0, 1, '', 'x', true, [], Symbol('x'), 1n, () => undefined]
const NO_FUNCTION: unknown[] = [null, 0, 1, '', 'x', true, false, {}, [], Symbol('x')]

/** By the path of each option: values that it must reject. */
const WRONG: Record<string, unknown[]> = {
  url: [
    undefined,
    null,
    0,
    NaN,
    true,
    {},
    [],
    [url],
    Symbol('x'),
    '',
    ' ',
    'nonsense',
    'ftp://x.test',
    'javascript:alert(1)',
    'data:,x',
    'wss://',
    'wss://user:secret@x.test',
    'wss://user@x.test',
    new URL('ftp://x.test'),
    new URL('wss://a:secret@x.test'),
  ],
  key: [null, 0, '', {}, [], true, () => 'x'],
  getToken: NO_FUNCTION,
  onClose: NO_FUNCTION,
  protocol: [...NO_OBJECT, {}, { open: 5 }],
  schemas: [...NO_OBJECT],
  'schemas.prices': [
    undefined,
    null,
    5,
    'x',
    {},
    () => true,
    { '~standard': null },
    { '~standard': {} },
    { '~standard': { validate: 5 } },
  ],
  methods: NO_OBJECT,
  'methods.rename': [undefined, ...NO_OBJECT],
  'methods.rename.input': [null, 5, 'x', {}, () => true, { '~standard': {} }],
  tokenRefresh: NO_OBJECT,
  'tokenRefresh.from': [...NO_NUMBER, 0, 1.01, 0.95],
  'tokenRefresh.to': [...NO_NUMBER, 0, 1.01, 0.4],
  'tokenRefresh.lifetime': [...NO_NUMBER, 0, 999],
  handover: NO_OBJECT,
  'handover.redirectOrigins': [
    null,
    5,
    {},
    'wss://x.test',
    [null],
    [5],
    ['*'],
    ['x.test'],
    ['wss://x.test/'],
    ['wss://x.test/path'],
    ['wss://x.test:443'],
    ['WSS://x.test'],
    ['wss://a@x.test'],
    [undefined],
    [new URL('wss://x.test')],
  ],
  'handover.overlapLimit': [...NO_NUMBER, 0],
  'handover.dwell': NO_NUMBER,
  'handover.maxAge': [...NO_NUMBER, 0, 999],
  'handover.when': NO_FUNCTION,
  reconnect: NO_OBJECT,
  'reconnect.spread': [...NO_NUMBER, 300_001],
  'reconnect.cap': [...NO_NUMBER, 3_600_001],
  heartbeat: [...NO_OBJECT],
  'heartbeat.interval': [...NO_NUMBER, 0],
  'heartbeat.timeout': [...NO_NUMBER, 0],
  connectTimeout: [...NO_NUMBER, 0],
  outbox: NO_OBJECT,
  'outbox.maxMessages': [...NO_NUMBER, 0, 1.5, 2 ** 31],
  'outbox.maxBytes': [...NO_NUMBER, 0, 1.5],
  'outbox.ackTimeout': [...NO_NUMBER, 0],
  holding: NO_OBJECT,
  'holding.maxMessages': [...NO_NUMBER, 0, 1.5],
  'holding.maxBytes': [...NO_NUMBER, 0, 1.5],
  'holding.gapTimeout': NO_NUMBER,
  environment: NO_OBJECT,
  'environment.WebSocket': NO_FUNCTION,
  'environment.random': NO_FUNCTION,
  'environment.clock': [
    null,
    5,
    () => 0,
    {},
    { setTimeout: () => undefined },
    { now: 1, monotonic: 1, setTimeout: 1, frame: 1 },
  ],
  'environment.network': [null, 5, {}, { subscribe: () => undefined }],
  'environment.page': [null, 5, {}, { subscribe: () => undefined }],
  'environment.tabs': [null, 5, {}, { join: 5 }],
}

/** For the path `handover.dwell`: `{ url, handover: { dwell: value } }`. */
function optionsWith(path: string, put: (target: object, name: string) => void): LiveSocketOptions {
  const options = { url }
  const names = path.split('.')
  let target: Record<string, unknown> = options
  for (const name of names.slice(0, -1)) target = target[name] = {}
  put(target, names.at(-1)!)
  return options
}

function refusal(options: unknown): LiveSocketError {
  try {
    createLiveSocket(options as LiveSocketOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(LiveSocketError)
    expect(error).toMatchObject({ code: 'invalid' })
    return error as LiveSocketError
  }
  throw new Error('it was taken')
}

const CASES = Object.entries(WRONG).flatMap(([path, values]) => values.map((value) => ({ path, value })))

describe(`options: ${CASES.length} wrong ones, each refused as \`invalid\` by its name`, () => {
  it.each(Object.keys(WRONG))('%s', (path) => {
    for (const value of WRONG[path]!) {
      const { message } = refusal(
        optionsWith(path, (target, name) => Object.defineProperty(target, name, { value, enumerable: true })),
      )
      expect({ value, message }).toEqual({
        value,
        message: expect.stringMatching(new RegExp(`^${path} must be `)) as string,
      })
      expect(message).not.toMatch(/secret|\[object/)
    }
  })

  it.each(Object.keys(WRONG))('%s that throws when it is read', (path) => {
    const thrown = new Error('secret')
    const options = optionsWith(path, (target, name) =>
      Object.defineProperty(target, name, {
        enumerable: true,
        get() {
          throw thrown
        },
      }),
    )
    const error = refusal(options)
    expect(error.message.startsWith(path)).toBe(true)
    expect(error.message).not.toContain('secret')
    expect(error.cause).toBe(thrown)
  })

  it.each([undefined, null, 5, 'wss://x.test', [], () => undefined, {}, Object.create({ url })])(
    '%o instead of options',
    (options) => {
      expect(refusal(options).message).toMatch(/^(options|url) must be/)
    },
  )

  it.each([
    {
      what: 'options whose properties cannot be read',
      options: new Proxy(
        { url },
        {
          getOwnPropertyDescriptor() {
            throw new Error('no')
          },
        },
      ),
      name: 'url',
    },
    {
      what: 'origins that cannot be listed',
      options: {
        url,
        handover: {
          redirectOrigins: new Proxy([], {
            get() {
              throw new Error('no')
            },
          }),
        },
      },
      name: 'handover.redirectOrigins',
    },
    {
      what: 'a protocol that throws',
      options: {
        url,
        protocol: {
          get open() {
            throw new Error('no')
          },
        },
      },
      name: 'protocol',
    },
    {
      what: 'a clock that throws',
      options: {
        url,
        environment: {
          clock: {
            get now() {
              throw new Error('no')
            },
          },
        },
      },
      name: 'environment.clock',
    },
    {
      what: 'a schema that throws',
      options: {
        url,
        schemas: {
          a: {
            get '~standard'() {
              throw new Error('no')
            },
          },
        },
      },
      name: 'schemas.a',
    },
  ])('$what', ({ options, name }) => {
    expect(refusal(options).message.startsWith(name)).toBe(true)
  })

  it('a token in the place of the getToken function, without repeating the token', () => {
    expect(refusal({ url, getToken: 'short-secret' }).message).toBe('getToken must be a function; it was a string.')
  })
})

describe('options', () => {
  afterEach(() => {
    for (const name of ['when', 'maxMessages', 'url', 'spread'])
      delete (Object.prototype as Record<string, unknown>)[name]
  })

  it('are read once: later changes of the objects have no effect', () => {
    const redirectOrigins = ['wss://b.test']
    const options = { url, handover: { redirectOrigins, dwell: 5 } }
    const socket = createLiveSocket(options)
    redirectOrigins.push('*')
    options.handover.dwell = -1
    options.url = ''
    expect(socket.store.getState().status).toBe('idle')
  })

  it('may be frozen, or without a prototype', () => {
    const deep = Object.freeze({
      url,
      handover: Object.freeze({ redirectOrigins: Object.freeze(['wss://b.test']) as string[] }),
      schemas: Object.freeze({}),
    })
    expect(createLiveSocket(deep).store.getState().status).toBe('idle')
    expect(createLiveSocket(Object.assign(Object.create(null) as object, { url })).store.getState().status).toBe('idle')
  })

  it('are read from own properties: a polluted Object.prototype adds none', () => {
    Object.assign(Object.prototype, { when: 'no function', maxMessages: -1, spread: NaN, url: 'ftp://evil.test' })
    expect(createLiveSocket({ url }).store.getState().status).toBe('idle')
    expect(createLiveSocket({ url, outbox: {} }).store.getState().status).toBe('idle')
    expect(refusal({}).message).toMatch(/^url must be/)
  })

  it.each([
    { given: 'https://x.test/a?b=1#c', dials: 'wss://x.test/a?b=1' },
    { given: 'http://x.test', dials: 'ws://x.test/' },
    { given: new URL('wss://x.test/#top'), dials: 'wss://x.test/' },
    { given: ' wss://x.test ', dials: 'wss://x.test/' },
  ])('take the url $given, and dial $dials', ({ given, dials }) => {
    expect(createLiveSocket({ url: given }).store.getState().status).toBe('idle')
    expect(dialUrl(given)).toBe(dials)
  })

  it('leave no timer and no listener, if they are refused, before connect(), and after close()', async () => {
    const clock = createSimulatedClock()
    const { environment } = createSimulation()
    let listeners = 0
    const counting = {
      ...environment,
      clock,
      network: { online: () => true, subscribe: () => (listeners++, () => listeners--) },
      page: { hidden: () => false, subscribe: () => (listeners++, () => listeners--) },
    }
    refusal({ url, environment: counting, connectTimeout: -1 })
    const socket = createLiveSocket({ url, environment: counting })
    socket.subscribe('a', () => undefined)
    void socket.stream('a')
    socket.fold('a', (state) => state, 0).subscribe(() => undefined)
    expect({ timers: clock.pending, listeners }).toEqual({ timers: 0, listeners: 0 })
    socket.connect()
    expect(listeners).toBe(2)
    await clock.advance(10)
    socket.close()
    await clock.advance(3_000)
    expect({ timers: clock.pending, listeners }).toEqual({ timers: 0, listeners: 0 })
  })
})
