import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createLiveSocket, type LiveSocket, type LiveSocketOptions } from '../src/index.js'
import { createSimulatedClock } from '../src/testing/simulated-clock.js'
import { hostileServer, type HostileLeg } from './kit/hostile-server.js'
import { createWitness, type Witness } from './kit/witness.js'
import { liveServer, until } from './server/kit.js'

/** Recognisable in any text, and stands in every token of these tests. */
const CANARY = 'canary-5e1f-b7'
const MINUTE = 60_000

let witness: Witness
beforeEach(() => void (witness = createWitness()))
afterEach(() => void vi.restoreAllMocks())

let minted = 0
const mint = () => `${CANARY}-${++minted}-${'x'.repeat(20)}`

/** A live socket that is watched, against that URL, on a clock that the test advances. */
function connect(options: Partial<LiveSocketOptions> & { url: LiveSocketOptions['url'] }) {
  const clock = createSimulatedClock()
  const socket = createLiveSocket({
    key: `secrets-${minted}`,
    getToken: async () => ({ token: mint(), ttl: 10 * MINUTE }),
    reconnect: { spread: 100 },
    ...options,
    environment: { clock, WebSocket: witness.WebSocket },
  } as LiveSocketOptions)
  witness.watch(socket)
  socket.subscribe('room', () => {})
  socket.connect()
  onTestFinished(() => socket.close())
  const pass = async (ms: number, until_: () => boolean, what: string) => {
    for (let passed = 0; passed < ms && !until_(); passed += 100) {
      await clock.advance(100)
      for (let turn = 0; turn < 20 && !until_(); turn++)
        await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    expect(until_(), what).toBe(true)
  }
  return { clock, socket, pass }
}

const isLive = (socket: LiveSocket) => () => socket.store.getState().status === 'live'

function expectNoCanary(...seen: string[]) {
  expect(witness.findings(CANARY)).toEqual([])
  for (const what of [...seen, 'the socket', 'stats', 'state', 'devtools'])
    expect(witness.counts, `nobody saw a ${what}`).toHaveProperty([what])
}

describe('a token is shown nowhere but to its server', () => {
  test('in normal use: hello, renewal, a planned handover, publishes, sign-out', async () => {
    const tokens: (string | undefined)[] = []
    const requests: string[] = []
    const server = await liveServer({
      authenticate: ({ token, request }) => (
        tokens.push(token),
        requests.push(`${request.url} ${JSON.stringify(request.rawHeaders)}`),
        { subject: 'ann', tokenTtl: 10 * MINUTE }
      ),
    })
    const { socket, pass } = connect({ url: server.address() })
    await pass(5_000, isLive(socket), 'live')
    witness.heard('published', await socket.publish('room', { n: 1 }))
    await server.offerTokens(
      () => true,
      () => ({ token: mint() }),
    )
    await pass(5_000, () => tokens.length === 2, 'renewed in band')
    const move = socket.handover()
    await pass(5_000, () => socket.stats().handovers === 1, 'moved')
    await move
    socket.signOut()
    expect(tokens.every((token) => token?.includes(CANARY))).toBe(true)
    witness.heard('request', requests)
    witness.heard('server stats', server.stats())
    expectNoCanary('dial', 'leg-ready', 'cutover', 'token-refreshed', 'published', 'request')
  })

  test('where the server refuses it and quotes it in its error', async () => {
    const server = await hostileServer((leg) => {
      leg.send({ type: 'error', code: 'unauthorized', message: `the token ${leg.token} is not valid` })
      leg.close(3000, `bad ${leg.token}`)
    })
    const { socket, pass } = connect({ url: server.url })
    await pass(60_000, () => socket.store.getState().status === 'closed', 'given up after two')
    expect(socket.store.getState().closed?.by).toBe('session-ended')
    expect(server.legs.map(({ token }) => token.includes(CANARY))).toEqual([true, true])
    witness.heard('request', server.requests)
    expectNoCanary('leg-closed', 'session-ended', 'request')
  })

  test.each<[string, (leg: HostileLeg) => void, string[]]>([
    [
      'other error codes',
      ({ send, token }) =>
        ['busy', 'forbidden', token].forEach((code) => send({ type: 'error', code, message: token, topic: 'room' })),
      ['error'],
    ],
    [
      'topics, nacks and ids',
      ({ send, token }) =>
        [
          { type: 'message', topic: token, offset: 1, data: 1 },
          { type: 'message', topic: token, offset: -1 },
          { type: 'nack', id: token, code: token, message: token },
          { type: 'error', code: 'forbidden', message: token, topic: token },
        ].forEach(send),
      ['invalid'],
    ],
    [
      'broken frames',
      ({ send, token }) =>
        [
          token,
          `{"type":"${token}`,
          `{"type":"message","topic":"room","offset":"${token}"}`,
          `["${token}"]`,
          `{"type":"ack","id":["${token}"]}`,
        ].forEach(send),
      ['invalid'],
    ],
    [
      'a gap and an epoch',
      ({ send, token }) =>
        [
          { type: 'subscribed', topics: { room: { epoch: token, offset: 9, after: 9 } } },
          { type: 'message', topic: 'room', offset: 12, prev: 11, data: 1 },
        ].forEach(send),
      ['gap'],
    ],
    [
      'a redirect',
      ({ send, token }) =>
        [
          `wss://elsewhere.test/${token}`,
          `ws://${token}@127.0.0.1/`,
          token,
          `ws://127.0.0.1:1/?token=${token}`,
        ].forEach((url, n) => send({ type: 'handover', id: `${token}-${n}`, reason: token, url, deadline: 5_000 })),
      ['redirect-refused', 'handover-requested'],
    ],
    [
      'tokens that it pushes, valid and invalid',
      ({ send, token }) =>
        [{ token: `${token}-pushed` }, { token: `${token}\r\n` }, { token: 7 }, { token: '' }].forEach((fields) =>
          send({ type: 'token', ...fields }),
        ),
      ['invalid'],
    ],
    ['the reason of its close', ({ close, token }) => close(4_001, token), ['leg-closed']],
    [
      'the end of the session',
      ({ send, close, token }) => (send({ type: 'error', code: 'session-ended', message: token }), close(3000, token)),
      ['session-ended'],
    ],
  ])('where a server repeats it in %s', async (_, misbehave, seen) => {
    const server = await hostileServer((leg, count) => {
      leg.welcome({ server: `node of ${leg.token}` })
      if (count === 1) misbehave(leg)
    })
    const { socket, pass } = connect({ url: server.url, onClose: () => 'retry' })
    await pass(20_000, () => server.legs.length > 0 && witness.counts['leg-ready']! > 0, 'live')
    witness.heard(
      'rejected',
      await Promise.race([
        socket.publish('room', 1, { ttl: 1_000 }).catch((error: unknown) => error),
        pass(3_000, () => false, 'x').catch(() => 'no answer'),
      ]),
    )
    await pass(
      10_000,
      () => seen.every((what) => witness.counts[what]! > 0),
      `${seen.join()} of ${JSON.stringify(witness.counts)}`,
    )
    expectNoCanary(...seen, 'rejected')
  })

  const secret = () => `${CANARY}-thrown-${'y'.repeat(10)}`
  const jwt = () =>
    `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(`{"sub":"${CANARY}"}`).toString('base64url')}.c2lnbmF0dXJlLW9mLWl0`

  test.each<[string, (token: string) => unknown]>([
    ['in its message', (token) => new Error(`GET /token as ${token} failed`)],
    [
      'in its cause',
      (token) => new Error('no token', { cause: { request: { headers: { authorization: `Bearer ${token}` } } } }),
    ],
    ['in a field of its own', (token) => Object.assign(new Error('no token'), { config: { data: [token] } })],
    ['among other errors', (token) => new AggregateError([new Error('one'), new Error(token)], 'several')],
    ['as a string', (token) => token],
    ['as a plain object', (token) => ({ token, status: 500 })],
    [
      'in headers',
      (token) => Object.assign(new Error('500'), { headers: new Headers({ authorization: `Bearer ${token}` }) }),
    ],
    [
      'in an error with thousands of fields',
      (token) =>
        Object.assign(new Error('no token'), { all: Array.from({ length: 5_000 }, () => ({})), last: { token } }),
    ],
  ])('where the provider throws it %s', async (_, thrown) => {
    const server = await hostileServer((leg) => leg.welcome())
    const token = secret()
    let calls = 0
    const { socket, pass } = connect({
      url: server.url,
      getToken: async () => (++calls === 1 ? { token, ttl: 20_000 } : Promise.reject(thrown(token))),
    })
    await pass(5_000, isLive(socket), 'live')
    await pass(60_000, () => witness.counts['token-failed']! > 0, 'failed')
    expectNoCanary('token-failed')
  })

  test('where the first call throws a JWT that the client has not seen before', async () => {
    const token = jwt()
    const { pass } = connect({
      url: 'ws://127.0.0.1:1/',
      getToken: () => Promise.reject(new Error(`signed ${token} and lost it`)),
    })
    await pass(20_000, () => witness.counts['token-failed']! > 0, 'failed')
    expect(witness.findings(token)).toEqual([])
  })

  test.each<[string, unknown]>([
    ['with a line break', `${CANARY}\n`],
    ['with a negative ttl', { token: CANARY, ttl: -1 }],
    ['in an array', { token: [CANARY] }],
    ['as its own ttl', { token: 'other', ttl: CANARY }],
    ['as the time to wait', { retryAfter: CANARY }],
    ['as what ended', { ended: { why: CANARY } }],
    ['a hundred thousand characters long', CANARY.repeat(10_000)],
    ['as a symbol', { token: Symbol(CANARY) }],
  ])('where the provider answers it %s', async (_, answer) => {
    const { pass } = connect({ url: 'ws://127.0.0.1:1/', getToken: async () => answer as never })
    await pass(20_000, () => witness.counts['token-failed']! > 0, 'failed')
    expectNoCanary('token-failed')
  })

  test('where functions of the application throw it: url, onClose, handover.when, handlers, listeners', async () => {
    const token = secret()
    const boom = () => {
      throw new Error(`what about ${token}`, { cause: token })
    }
    const server = await hostileServer((leg, count) => {
      leg.welcome()
      leg.send({ type: 'message', topic: 'room', offset: 1, data: 1 })
      if (count === 1) leg.send({ type: 'handover', id: 'h', reason: 'deploy', deadline: 5_000 })
      if (count === 2) leg.close(4_200, 'over')
    })
    let dials = 0
    const { socket, pass } = connect({
      url: () => (++dials === 3 ? boom() : server.url),
      getToken: async () => token,
      onClose: boom,
      handover: { when: async () => boom() },
    })
    socket.subscribe('room', boom)
    socket.on('leg-ready', boom)
    socket.on('error', boom)
    socket.store.subscribe(boom)
    await pass(30_000, () => dials >= 4 && isLive(socket)(), 'live again after all that')
    expect(witness.counts['error']).toBeGreaterThanOrEqual(6)
    expectNoCanary('error')
  })

  test('where the url function puts it into the URL: it is dialled and shown nowhere else', async () => {
    const server = await hostileServer((leg) => leg.welcome())
    const token = secret()
    const { socket, pass } = connect({ url: () => `${server.url}?access=${token}`, getToken: async () => token })
    socket.on('leg-open', ({ url }) => expect(url).toBe(server.url))
    await pass(5_000, isLive(socket), 'live')
    expect(witness.findings(CANARY).filter((finding) => !finding.startsWith('dial'))).toEqual([])
  })

  test('where it is passed in the wrong option', () => {
    const token = mint()
    const wrong = [
      { getToken: CANARY },
      { url: `wss://user:${token}@live.test` },
      { url: `javascript:${token}` },
      { key: { token } },
      { protocol: token },
      { tokenRefresh: token },
      { onClose: CANARY },
    ]
    for (const options of wrong) {
      try {
        createLiveSocket({ url: 'wss://live.test', ...options } as never)
        expect.unreachable()
      } catch (error) {
        witness.heard('option error', error)
      }
    }
    expect(witness.findings(CANARY)).toEqual([])
    expect(witness.counts['option error']).toBe(wrong.length)
  })

  test('where publishes, streams and handovers are rejected because the session ends', async () => {
    const server = await hostileServer(
      (leg) => leg.welcome(),
      (leg, frame) => {
        if (frame['type'] !== 'publish') return
        leg.send({
          type: 'nack',
          id: frame['id'] as string,
          code: 'no',
          message: `not with ${leg.token}`,
          retryAfter: 5,
        })
      },
    )
    const { socket, pass } = connect({ url: server.url })
    await pass(5_000, isLive(socket), 'live')
    const reader = socket.stream('room')
    const waiting = [socket.publish('room', 1), socket.handover(), reader.next()].map((promise) =>
      Promise.resolve(promise).catch((error: unknown) => witness.heard('rejected', error)),
    )
    await pass(3_000, () => witness.counts['rejected']! > 0, 'refused')
    socket.signOut()
    await Promise.all(waiting)
    witness.heard('rejected', await socket.publish('room', 2).catch((error: unknown) => error))
    expectNoCanary('rejected')
  })
})

describe('a server that is given a token', () => {
  test('shows it nowhere when everything fails: not in its log, its stats, its answers', async () => {
    vi.mocked(console.error).mockClear()
    const server = await liveServer<{ subject: string }>({
      authenticate({ token }) {
        if (token!.endsWith('throws')) throw new Error(`cannot read ${token}`, { cause: { token } })
        if (token!.endsWith('rejects')) return Promise.reject(Object.assign(new TypeError(token), { token }))
        return token!.endsWith('no') ? null : { subject: 'ann' }
      },
      onError: (error, doing) => console.error(doing, error),
    })
    for (const ending of ['throws', 'rejects', 'no']) {
      const client = await server.client()
      client.send({ type: 'hello', session: ending, leg: 1, topics: {}, token: `${mint()}-${ending}` })
      witness.heard('answer', [await client.next('error'), await client.closed])
    }
    const client = await server.join({ token: mint() })
    client.send({ type: 'auth', token: `${mint()}-throws` })
    await client.settle()
    client.send({ type: 'auth', token: `${mint()}-no` })
    witness.heard('answer', [await client.next('error'), await client.closed])
    for (const text of [
      `{"type":"hello","token":"${mint()}"`,
      JSON.stringify({ type: 'hello', session: 's', leg: 'x', topics: {}, token: mint() }),
      JSON.stringify({ type: 'auth', token: mint() }),
    ]) {
      const raw = await server.client()
      raw.ws.send(text)
      witness.heard('answer', [await raw.next('error'), await raw.closed])
    }
    await server.offerTokens(
      () => true,
      () => Promise.reject(new Error('no key')),
    )
    await until(() => server.stats().connections === 0, 'all gone')
    witness.heard('server stats', [server.stats(), String(server), JSON.stringify(server)])
    expect(witness.findings(CANARY)).toEqual([])
    expect(witness.counts).toMatchObject({ 'console.error': 3, answer: 7 })
  })
})
