import { decodeJwt, decodeProtectedHeader } from 'jose'
import { createLiveSocket, type GetToken, type LiveSocket } from 'livesocket'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { startCluster } from './cluster.js'
import { createTokenService, type TokenUser } from './token-service.js'
import { createVisitor } from './visitor.js'
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/simulated-clock.js'
import { liveServer, until } from '../server/kit.js'

const SECOND = 1_000

async function service(options: { lifetime?: number; login?: number } = {}) {
  const clock = createSimulatedClock()
  const tokens = createTokenService({ clock, ...options })
  await tokens.ready
  onTestFinished(() => tokens.close())
  return { clock, tokens }
}

/** A signed-in page: a real client on a real server with real tokens, on a clock that the test advances. */
async function signedIn(
  options: { lifetime: number; login: number },
  wrap: (getToken: GetToken) => GetToken = (getToken) => getToken,
) {
  const { clock, tokens } = await service(options)
  const server = await liveServer<TokenUser>({ clock, authenticate: ({ token }) => tokens.verify(token) })
  const visitor = createVisitor(tokens.url, 'ann', clock)
  const calls: { at: number }[] = []
  let underWay = 0
  const getToken = wrap(visitor.getToken)
  const socket = createLiveSocket({
    url: server.address(),
    environment: { clock, WebSocket },
    getToken: async (ask) => {
      calls.push({ at: clock.monotonic() })
      underWay++
      return getToken(ask).finally(() => underWay--)
    },
  })
  const ended: { at: number; reason: string }[] = []
  socket.on('session-ended', ({ reason }) => ended.push({ at: clock.monotonic(), reason }))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  onTestFinished(() => socket.close())
  /** Advances time in steps that are short enough for HTTP answers to arrive in between. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 200) {
      await clock.advance(200)
      await until(() => underWay === 0, 'the token service answered')
    }
  }
  return { clock, tokens, server, socket, calls, ended, pass }
}

async function staysEnded(
  socket: LiveSocket,
  clock: SimulatedClock,
  calls: unknown[],
  server: { stats(): { opened: number; connections: number } },
) {
  await until(() => server.stats().connections === 0, 'the leg is gone')
  const [made, { opened }] = [calls.length, server.stats()]
  await clock.advance(120 * SECOND)
  expect([calls.length, server.stats().opened]).toEqual([made, opened])
  expect(socket.store.getState()).toMatchObject({
    status: 'closed',
    closed: { by: 'session-ended' },
    token: { status: 'ended' },
  })
}

describe('the token service', () => {
  test('signs a JWT for signed-in visitors only', async () => {
    const { clock, tokens } = await service({ lifetime: 600 * SECOND, login: 60 * SECOND })
    const post = (path: string, cookie?: string) =>
      fetch(new URL(path, tokens.url), { method: 'POST', ...(cookie && { headers: { cookie } }) })
    expect((await post('/token')).status).toBe(401)
    expect((await post('/token', 'livesocket-demo-login=guessed')).status).toBe(401)
    expect((await post('/login')).status).toBe(400)
    const cookie = (await post('/login?visitor=ann')).headers.get('set-cookie')!
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Max-Age=60$/)
    const { token, ttl, sessionTtl } = (await (await post('/token', cookie.split(';')[0]!)).json()) as {
      token: string
      ttl: number
      sessionTtl: number
    }
    expect([ttl, sessionTtl]).toEqual([600 * SECOND, 60 * SECOND])
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256' })
    const { sub, iat, exp } = decodeJwt(token)
    expect([sub, exp! - iat!]).toEqual(['ann', 600])
    expect(await tokens.verify(token)).toMatchObject({ subject: 'ann', tokenTtl: 600 * SECOND })
    expect(await tokens.verify(`${token.slice(0, -2)}xx`)).toBeNull()
    expect(tokens.signed).toBe(1)
    // The token outlives the login: it still admits its holder, but the holder gets no new token.
    await clock.advance(61 * SECOND)
    expect(await tokens.verify(token)).not.toBeNull()
    expect((await post('/token', cookie.split(';')[0]!)).status).toBe(401)
    await clock.advance(540 * SECOND)
    expect(await tokens.verify(token)).toBeNull()
  })

  test('ends the login of a visitor that signs out on all pages that use it, and no other login', async () => {
    const cluster = await startCluster()
    const [laptop, phone] = ['laptop', 'phone'].map(() => createVisitor(cluster.tokens.url, 'ann'))
    const open = (visitor: { getToken: GetToken }, key: string) =>
      createLiveSocket({ url: cluster.url, key, environment: { WebSocket }, getToken: visitor.getToken })
    const [pages, other] = [[open(laptop!, 'a'), open(laptop!, 'b')], open(phone!, 'c')]
    await laptop!.signIn()
    const sockets = [...pages, other]
    for (const socket of sockets) socket.connect()
    await until(() => sockets.every((socket) => socket.store.getState().status === 'live'), 'live')
    await laptop!.signOut()
    await until(() => pages.every((page) => page.store.getState().closed?.by === 'session-ended'), 'both pages ended')
    expect(other.store.getState().status).toBe('live')
    other.close()
    await cluster.close()
  })
})

describe('a login that ends before its token', () => {
  test('ends the session at that moment, where the token service says how long it lasts', async () => {
    const { clock, socket, server, calls, ended, pass } = await signedIn({ lifetime: 600 * SECOND, login: 60 * SECOND })
    await pass(59 * SECOND)
    expect(ended).toEqual([])
    await pass(2 * SECOND)
    expect(ended).toMatchObject([{ reason: 'session-expired' }])
    expect(ended[0]!.at).toBeLessThanOrEqual(61 * SECOND)
    expect(calls).toHaveLength(1)
    await staysEnded(socket, clock, calls, server)
  })

  test('ends the session by the first 401 where the token service does not say how long it lasts', async () => {
    const unaware =
      (getToken: GetToken): GetToken =>
      async (ask) => {
        const answer = await getToken(ask)
        return typeof answer === 'object' && 'token' in answer ? { token: answer.token, ttl: answer.ttl! } : answer
      }
    const { clock, tokens, socket, server, calls, ended, pass } = await signedIn(
      { lifetime: 20 * SECOND, login: 15 * SECOND },
      unaware,
    )
    await pass(33 * SECOND)
    // The cookie expired after 15 s. The current token was due for a refresh at an age of 18 s at the latest.
    expect(ended).toMatchObject([{ reason: 'the login is over' }])
    expect(ended[0]!.at - 15 * SECOND).toBeLessThanOrEqual(18 * SECOND)
    expect(ended[0]!.at).toBe(calls.at(-1)!.at)
    expect(tokens.signed).toBe(calls.length - 1)
    await staysEnded(socket, clock, calls, server)
  })

  test('is not extended by token refreshes, which are no activity of the user', async () => {
    const { clock, socket, server, calls, ended, pass } = await signedIn({ lifetime: 10 * SECOND, login: 60 * SECOND })
    await pass(62 * SECOND)
    expect(calls.length).toBeGreaterThanOrEqual(6)
    expect(ended).toHaveLength(1)
    expect(ended[0]!.at).toBeLessThanOrEqual(61 * SECOND)
    await staysEnded(socket, clock, calls, server)
  })
})
