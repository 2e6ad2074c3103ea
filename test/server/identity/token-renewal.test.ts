import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveSocket } from '../../../src/index.js'
import { createSimulatedClock, liveServer, until } from '../kit.js'

const LIFETIME = 600_000
type User = { subject: string; tokenTtl: number }
const authenticate = ({ token }: { token?: string }): User => ({
  subject: token?.split(' ')[0] ?? 'nobody',
  tokenTtl: LIFETIME,
})

describe('a server that asks for fresh tokens early', () => {
  test('tells matching sessions the new lifetime of their tokens, and counts them', async () => {
    const server = await liveServer<User>({ authenticate })
    const [ann, bob] = [await server.join({ token: 'ann 1' }), await server.join({ token: 'bob 1' })]
    expect(await server.renewTokens(({ user }) => user.subject === 'ann', { within: 30_000 })).toBe(1)
    expect(await ann.next('authed')).toEqual({ type: 'authed', tokenTtl: 30_000 })
    await bob.settle()
    expect(bob.of('authed')).toEqual([])
    expect(await server.renewTokens(() => true)).toBe(1)
    expect(await bob.next('authed')).toEqual({ type: 'authed', tokenTtl: 60_000 })
  })

  test('leaves sessions alone that have no token, or one that ends sooner', async () => {
    const server = await liveServer<User>({
      authenticate: ({ token }) => ({ subject: 's', tokenTtl: token ? 20_000 : LIFETIME }),
    })
    const clients = [await server.join(), await server.join({ token: 'short' })]
    expect(await server.renewTokens(() => true, { within: 20_000 })).toBe(0)
    for (const client of clients) {
      await client.settle()
      expect(client.of('authed')).toEqual([])
    }
  })

  test('asks a session that is handing over on both of its legs, and counts it once', async () => {
    const server = await liveServer<User>({ authenticate })
    const legs = [
      await server.join({ session: 's', leg: 1, token: 'ann' }),
      await server.join({ session: 's', leg: 2, token: 'ann' }),
    ]
    expect(await server.renewTokens(() => true)).toBe(1)
    for (const leg of legs) await leg.next('authed')
  })

  test('closes legs that still use the old token once that time and the grace are over, and keeps those that renewed', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer<User>({ clock, authenticate, limits: { tokenGrace: 10_000 } })
    const [renews, forgets] = [await server.join({ token: 'ann 1' }), await server.join({ token: 'bob 1' })]
    const pass = async (seconds: number) => {
      for (let at = 0; at < seconds; at += 4) {
        await clock.advance(4_000)
        for (const client of [renews, forgets]) if (client.ws.readyState === client.ws.OPEN) await client.settle()
      }
    }
    await server.renewTokens(() => true, { within: 20_000 })
    await renews.next('authed')
    renews.send({ type: 'auth', token: 'ann 2' })
    expect(await renews.next('authed')).toEqual({ type: 'authed', tokenTtl: LIFETIME })
    await pass(28)
    expect(forgets.of('error')).toEqual([])
    await pass(8)
    expect(await forgets.next('error')).toMatchObject({ code: 'unauthorized' })
    expect(await forgets.closed).toMatchObject({ code: 3000 })
    await renews.settle()
  })

  test('also shortens tokens that are being checked, whose check may have begun before the change', async () => {
    const clock = createSimulatedClock()
    const answers: (() => void)[] = []
    const server = await liveServer<User>({
      clock,
      authenticate: ({ token }) =>
        token === 'at once'
          ? authenticate({ token })
          : new Promise((resolve) => void answers.push(() => resolve({ subject: 'at', tokenTtl: LIFETIME }))),
    })
    const [live, comes] = [await server.join({ token: 'at once' }), await server.client()]
    live.send({ type: 'auth', token: 'fresh' })
    comes.send({ type: 'hello', session: 's', leg: 1, token: 'first', topics: {} })
    await until(() => answers.length === 2, 'both are being checked')
    await clock.advance(1)
    await server.renewTokens({ subject: 'at' }, { within: 20_000 })
    expect(await live.next('authed')).toEqual({ type: 'authed', tokenTtl: 20_000 })
    await clock.advance(5_000)
    for (const answer of answers) answer()
    expect(await live.next('authed')).toEqual({ type: 'authed', tokenTtl: 15_000 })
    expect(await comes.next('welcome')).toMatchObject({ tokenTtl: 15_000 })
    // Tokens that are checked from then on are not affected.
    live.send({ type: 'auth', token: 'at once' })
    expect(await live.next('authed')).toEqual({ type: 'authed', tokenTtl: LIFETIME })
  })

  test.each([0, 999, NaN, Infinity, 1e16, -1, '60000'])('rejects within: %s, and asks no session', async (within) => {
    const server = await liveServer<User>({ authenticate })
    const client = await server.join({ token: 'ann' })
    await expect(server.renewTokens(() => true, { within: within as number })).rejects.toMatchObject({
      code: 'invalid',
    })
    await client.settle()
    expect(client.of('authed')).toEqual([])
  })

  test('makes a hundred clients renew at different moments, each on its existing leg, and all before their tokens end', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer<User>({ clock, authenticate })
    const calls: { at: number; reason: string }[] = []
    const sockets = Array.from({ length: 100 }, (_, number) =>
      createLiveSocket({
        url: server.address(),
        key: `client-${number}`,
        environment: { clock, WebSocket },
        getToken: async ({ reason }) => {
          calls.push({ at: clock.monotonic(), reason })
          return { token: `${number} ${calls.length}`, ttl: LIFETIME }
        },
      }),
    )
    for (const socket of sockets) socket.connect()
    await until(() => sockets.every((socket) => socket.store.getState().status === 'live'), 'all live')
    const asked = clock.monotonic()
    calls.length = 0
    expect(await server.renewTokens(() => true, { within: 60_000 })).toBe(100)
    await until(
      () => sockets.every((socket) => socket.store.getState().token.expiresAt! - clock.now() <= 60_100),
      'all told',
    )
    for (let second = 0; second < 60; second++) await clock.advance(1_000)
    const times = calls.map(({ at }) => at - asked)
    expect(calls).toHaveLength(100)
    expect(calls.every(({ reason }) => reason === 'requested')).toBe(true)
    expect(Math.max(...times)).toBeLessThanOrEqual(54_000)
    const seconds = Array.from(
      { length: 60 },
      (_, second) => times.filter((time) => Math.floor(time / 1_000) === second).length,
    )
    expect(Math.max(...seconds)).toBeLessThan(15)
    await until(
      () => sockets.every((socket) => socket.store.getState().token.expiresAt! - clock.now() > LIFETIME - 60_000),
      'all renewed',
    )
    expect(sockets.map((socket) => socket.store.getState().leg?.number)).toEqual(Array(100).fill(1))
    expect(server.stats()).toMatchObject({ opened: 100, legs: 100 })
    for (const socket of sockets) socket.close()
  })
})

describe('a server that offers fresh tokens itself', () => {
  test('sends each session its own token, and nothing where mint returns null', async () => {
    const server = await liveServer<User>({ authenticate })
    const [ann, bob] = [await server.join({ token: 'ann 1' }), await server.join({ token: 'bob 1' })]
    const mint = ({ user }: { user: User }) =>
      user.subject === 'bob' ? null : { token: `${user.subject} 2`, tokenTtl: 5_000 }
    expect(await server.offerTokens(() => true, mint)).toBe(1)
    expect(await ann.next('token')).toEqual({ type: 'token', token: 'ann 2', tokenTtl: 5_000 })
    await bob.settle()
    expect(bob.of('token')).toEqual([])
  })

  test('reaches a session that handed over while its token was signed, and does not count one that left', async () => {
    const server = await liveServer<User>({ authenticate })
    const [moves, goes] = [await server.join({ session: 'moves', leg: 1 }), await server.join({ session: 'goes' })]
    const signed: ((token: { token: string }) => void)[] = []
    const offered = server.offerTokens(
      () => true,
      () => new Promise<{ token: string }>((resolve) => void signed.push(resolve)),
    )
    const moved = await server.join({ session: 'moves', leg: 2 })
    for (const leg of [moves, goes]) leg.close()
    await until(() => server.stats().legs === 1, 'they are gone')
    for (const at of [0, 1]) {
      await until(() => signed.length > at, 'the next is signed')
      signed[at]!({ token: 'fresh' })
    }
    expect(await moved.next('token')).toEqual({ type: 'token', token: 'fresh' })
    expect(await offered).toBe(1)
  })

  test('sends no token to a session that was ended meanwhile', async () => {
    let applied = () => {}
    const server = await liveServer<User>({
      authenticate,
      onPublish: () => new Promise<void>((resolve) => void (applied = resolve)),
    })
    const leg = await server.join()
    // The leg stays open until it has the answer to its publish.
    leg.send({ type: 'publish', id: 'p', topic: 't', data: 1 })
    await until(() => server.stats().published === 1, 'it is being applied')
    await server.offerTokens(
      () => true,
      async () => (await server.end(() => true), { token: 'fresh' }),
    )
    applied()
    expect(await leg.next('error')).toMatchObject({ code: 'session-ended' })
    expect(leg.of('token')).toEqual([])
  })

  test('saves its clients the call for a token: they use the offered one, and send it back to the server', async () => {
    const tokens: string[] = []
    const server = await liveServer<User>({
      authenticate: ({ token }) => (tokens.push(token!), { subject: 'ann', tokenTtl: LIFETIME }),
    })
    let calls = 0
    const socket = createLiveSocket({
      url: server.address(),
      environment: { WebSocket },
      getToken: async () => `fetched-${++calls}`,
    })
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    expect(
      await server.offerTokens(
        () => true,
        async () => ({ token: 'offered', tokenTtl: LIFETIME }),
      ),
    ).toBe(1)
    await until(() => tokens.length === 2, 'the token came back')
    expect([tokens, calls, socket.store.getState().leg?.number]).toEqual([['fetched-1', 'offered'], 1, 1])
    socket.close()
  })

  test.each([
    ['throws', () => Promise.reject(new Error('no key'))],
    ['never answers', () => new Promise<never>(() => undefined)],
    ['signs an empty token', () => ({ token: '' })],
    ['signs one with a line break', () => ({ token: 'a\nb' })],
    ['signs one that is too long for clients', () => ({ token: 'x'.repeat(16_385) })],
    ['signs one with an infinite lifetime', () => ({ token: 't', tokenTtl: Infinity })],
    ['signs a number', () => ({ token: 7 as never })],
    ['signs one with a negative lifetime', () => ({ token: 't', tokenTtl: -1 })],
  ])('goes on with the next session where mint %s', async (_, broken) => {
    const server = await liveServer<User>({ authenticate, limits: { helloTimeout: 500 } })
    const [ann, bob] = [await server.join({ token: 'ann' }), await server.join({ token: 'bob' })]
    expect(
      await server.offerTokens(
        () => true,
        ({ user }) => (user.subject === 'ann' ? broken() : { token: 'bob 2' }),
      ),
    ).toBe(1)
    expect(await bob.next('token')).toEqual({ type: 'token', token: 'bob 2' })
    await ann.settle()
    expect([ann.of('token').length, server.errors.length]).toEqual([0, 1])
  })
})

describe('the spread of reconnections', () => {
  test('follows from the number of connections of a node and the rate that is set, as legs come and go', async () => {
    const server = await liveServer({ reconnectSpread: { rate: 2 } })
    const spreads: number[] = []
    const clients = []
    for (let count = 1; count <= 6; count++) {
      const client = await server.client()
      spreads.push((await client.hello())['reconnectSpread'])
      clients.push(client)
    }
    // At least a second: less would spread nothing.
    expect(spreads).toEqual([1_000, 1_000, 1_500, 2_000, 2_500, 3_000])
    for (const client of clients.splice(1, 3)) {
      client.close()
      await client.closed
    }
    await until(() => server.stats().connections === 3, 'three left')
    clients[0]!.send({ type: 'ping' })
    expect(await clients[0]!.next('pong')).toEqual({ type: 'pong', reconnectSpread: 1_500 })
  })

  test('is 5 minutes at most, the longest that clients accept', async () => {
    const server = await liveServer({ reconnectSpread: { rate: 0.001 } })
    expect((await (await server.client()).hello())['reconnectSpread']).toBe(300_000)
  })

  test.each([0, -1, NaN, '500', undefined])('with a rate of %s is refused', async (rate) => {
    await expect(liveServer({ reconnectSpread: { rate: rate as number } })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('reconnectSpread.rate'),
    })
  })
})
