import { createLiveSocket, type LiveSocketOptions } from 'livesocket'
import { createLiveServer, type LiveServerOptions, type ServerEvent } from 'livesocket/server'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { handServed } from '../kit/hand-served.js'

let warned: string[]
beforeEach(() => {
  warned = []
  vi.spyOn(console, 'warn').mockImplementation((...words) => void warned.push(words.join(' ')))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe('lastError of a client that cannot connect', () => {
  const undo: (() => unknown)[] = []
  afterEach(() => Promise.all(undo.splice(0).map((task) => task())))

  /** Connects a page of `origin` to its own server, and waits until the client says why it is not live. */
  async function meet(
    server: Partial<LiveServerOptions>,
    client: Partial<LiveSocketOptions> = {},
    path = '',
    origin?: string,
  ) {
    const events: ServerEvent[] = []
    const live = createLiveServer({
      port: 0,
      path: '/live',
      authenticate: () => ({ subject: 'ada' }),
      onEvent: (event) => void events.push(event),
      ...server,
    })
    undo.push(() => live.close())
    await live.ready
    class Page extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, origin === undefined ? {} : { origin })
      }
    }
    const url = `${live.address()}${path}?secret=1`
    const socket = createLiveSocket({ url, reconnect: { spread: 60_000 }, environment: { WebSocket: Page }, ...client })
    undo.push(() => socket.close())
    socket.connect()
    const { lastError } = await vi.waitUntil(() => {
      const state = socket.store.getState()
      return state.lastError && state
    }, 10_000)
    return { socket, lastError: lastError!, events, url: url.split('?')[0]! }
  }

  it('names an origin that the server does not allow', async () => {
    const { lastError, events, url } = await meet(
      { allowedOrigins: ['https://example.com'] },
      {},
      '',
      'http://localhost:5173',
    )
    expect(lastError).toMatchObject({ code: 'unreachable', message: `${url}: Unexpected server response: 403` })
    expect(lastError.hint).toMatch(/allowedOrigins/)
    expect(warned).toEqual([`livesocket: ${lastError.message}. ${lastError.hint}`])
    expect(events).toMatchObject([
      { type: 'upgrade-refused', status: 403, reason: 'origin', origin: 'http://localhost:5173' },
    ])
    expect(JSON.stringify([lastError, warned])).not.toContain('secret')
  })

  it('names a wrong path', async () => {
    const { lastError, events } = await meet({}, {}, 'x')
    expect(lastError).toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/404/) as string,
      hint: expect.stringMatching(/Path\?/) as string,
    })
    expect(events).toMatchObject([{ type: 'upgrade-refused', status: 404, path: '/livex' }])
  })

  it('says that nothing listens on the port', async () => {
    const { lastError } = await meet({}, { url: 'ws://127.0.0.1:9/live' })
    expect(lastError).toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/ECONNREFUSED/) as string,
      hint: expect.stringMatching(/doctor ws:\/\/127\.0\.0\.1:9\/live$/) as string,
    })
  })

  it('names a token that the server refuses, and stays after that has ended the session', async () => {
    const token = 'a-token-that-is-a-secret'
    const { socket, lastError } = await meet({ authenticate: () => null }, { getToken: async () => token })
    expect(lastError.code).toBe('unauthorized')
    await vi.waitUntil(() => socket.store.getState().status === 'closed', 10_000)
    expect(socket.store.getState()).toMatchObject({
      closed: { by: 'session-ended' },
      lastError: { code: 'unauthorized' },
    })
    expect(JSON.stringify([socket.store.getState(), warned])).not.toContain(token)
  })

  it('says `busy`, with the retryAfter, if the identity service is down', async () => {
    const { lastError } = await meet(
      { onError: () => undefined, authenticate: () => Promise.reject(new Error('the database is down')) },
      { getToken: async () => 'good' },
    )
    expect(lastError).toMatchObject({
      code: 'busy',
      message: expect.stringMatching(/\(retryAfter \d+ ms\)$/) as string,
    })
    expect(lastError.message).not.toContain('database')
  })

  it('says `token-failed` if the token service is down and there is no token', async () => {
    const { lastError } = await meet({}, { getToken: () => Promise.reject(new Error('HTTP 503')) })
    expect(lastError).toMatchObject({ code: 'token-failed', message: 'getToken: HTTP 503' })
  })
})

describe('lastError', () => {
  it('changes together with the status, and is null once the client is live', async () => {
    const { socket, leg, live, clock } = handServed()
    const seen: unknown[] = []
    socket.store.subscribe(({ status, lastError }) => seen.push([status, lastError?.code ?? null]))
    const one = await live()
    one.end(1006)
    expect(seen.at(-1)).toEqual(['reconnecting', 'lost'])
    expect(socket.store.getState().lastError!.at).toBe(clock.now())
    await clock.advance(2_000)
    ;(await leg(2)).end(1006)
    expect(socket.store.getState().lastError!.code).toBe('unreachable')
    await clock.advance(5_000)
    ;(await leg(3)).welcome()
    expect(seen.at(-1)).toEqual(['live', null])
    expect(seen.filter((entry) => String(entry) === 'reconnecting,')).toEqual([])
  })

  it('stays null in a planned handover, even if a dial fails', async () => {
    const { socket, leg, live, clock } = handServed()
    const one = await live()
    one.send({ type: 'handover', id: 'h', reason: 'deploy', deadline: 30_000 })
    await clock.advance(10)
    const two = await leg(2)
    two.end(1006)
    expect(socket.store.getState()).toMatchObject({ status: 'live', lastError: null })
    expect(warned).toEqual([])
  })

  it('says `lost` for a leg that fell silent and could not be replaced', async () => {
    const { socket, live, clock } = handServed({
      heartbeat: { interval: 1_000, timeout: 1_000 },
      connectTimeout: 5_000,
    })
    await live()
    for (let second = 0; second < 10 && !socket.store.getState().lastError; second++) await clock.advance(1_000)
    expect(socket.store.getState()).toMatchObject({
      status: 'reconnecting',
      lastError: { code: 'lost', message: 'silent' },
    })
  })

  it('is null after the application closed the socket, and says why if the server did', async () => {
    for (const [end, told] of [
      ['app', null],
      ['server', 'forbidden'],
    ] as const) {
      const { socket, leg, clock } = handServed()
      socket.connect()
      const one = await leg(1)
      if (end === 'app') {
        one.end(1006)
        socket.close()
      } else {
        one.open()
        one.send({ type: 'error', code: 'forbidden', message: 'not here' })
        one.end(3003)
      }
      await clock.flush()
      expect([socket.store.getState().status, socket.store.getState().lastError?.code ?? null]).toEqual([
        'closed',
        told,
      ])
      socket.connect()
      expect(socket.store.getState().lastError).toBeNull()
      socket.close()
    }
  })
})

describe('what a developer reads on the console', () => {
  /** Three failed dials, a live moment, and three more failed dials. */
  async function outages(options: Partial<LiveSocketOptions> = {}) {
    const world = handServed(options)
    world.socket.connect()
    let number = 0
    const dialled = async () => {
      while (world.dials() <= number) await world.clock.advance(200)
      return world.leg(++number)
    }
    for (let round = 0; round < 2; round++) {
      for (let dial = 0; dial < 3; dial++) {
        ;(await dialled()).end(1006)
      }
      const served = await dialled()
      served.welcome()
      await world.clock.flush()
      served.end(1006)
    }
    world.socket.close()
  }

  it('is one line for each kind of failure in an outage, and none for the mere end of a connection', async () => {
    await outages()
    expect(warned).toHaveLength(2)
    expect(warned[0]).toMatch(/^livesocket: wss:\/\/a\.test\/live: closed with 1006\. Server up\?/)
  })

  it('contains no control character of a text from the server', async () => {
    const { socket, leg } = handServed()
    socket.connect()
    const refused = await leg(1)
    refused.open()
    refused.end(1013, 'no\u001b[2J\nlivesocket: all is well\u009b')
    expect(warned).toEqual([expect.stringContaining('no?[2J?livesocket: all is well?')])
    socket.close()
  })

  it('is nothing in production, and nothing with `debug: false`', async () => {
    await outages({ debug: false })
    vi.stubEnv('NODE_ENV', 'production')
    await outages()
    expect(warned).toEqual([])
  })

  it('is a line for each event with `debug`, without a token and without data', async () => {
    const lines: string[] = []
    const { socket, leg, clock } = handServed({
      debug: (line) => void lines.push(line),
      getToken: async () => 'a-token-that-is-a-secret',
    })
    socket.subscribe('t', () => {
      throw new TypeError('the canary')
    })
    socket.on('error', () => undefined)
    socket.connect()
    await clock.advance(1_000)
    const one = await leg(1)
    one.welcome()
    one.send({ type: 'message', topic: 't', offset: 6, data: 'the canary' })
    one.end(1006, 'a-token-that-is-a-secret')
    expect(lines).toContain('livesocket leg-open {"leg":1,"url":"wss://a.test/live"}')
    expect(lines).toContain('livesocket error {"error":"A handler of \\"t\\" threw; the message counts as delivered."}')
    expect(lines.at(-1)).toBe('livesocket leg-closed {"leg":1,"code":1006,"reason":"[token]","by":"server"}')
    expect(lines.join()).not.toMatch(/canary|a-token/)
    socket.close()
  })

  it('is those lines on the console with `debug: true`; a `debug` function that throws does no harm', async () => {
    const debug = vi.spyOn(console, 'debug').mockImplementation(() => undefined)
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    await handServed({ debug: true }).live()
    expect(debug.mock.calls.flat()).toContain('livesocket leg-ready {"leg":1,"url":"wss://a.test/live","server":"s"}')
    const { socket, live } = handServed({
      debug() {
        throw new Error('a full disk')
      },
    })
    await live()
    expect(socket.store.getState().status).toBe('live')
    expect(error).toHaveBeenCalled()
  })
})
