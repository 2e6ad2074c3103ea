import { describe, expect, test } from 'vitest'
import type { LiveServer } from '../../../src/server/index.js'
import { createSimulatedClock, liveServer, until } from '../kit.js'

describe('silence', () => {
  test('a ping is answered with the current spread', async () => {
    const server = await liveServer({ reconnectSpread: { rate: 0.5 } })
    const client = await server.join()
    expect(client.frames[0]).toMatchObject({ reconnectSpread: 2_000 })
    await server.join()
    client.send({ type: 'ping' })
    expect(await client.next('pong')).toEqual({ type: 'pong', reconnectSpread: 4_000 })
  })

  test('connections that never say hello do not lengthen the spread for clients that are known', async () => {
    const server = await liveServer({ reconnectSpread: { rate: 1 } })
    const client = await server.join()
    for (let at = 0; at < 10; at++) await server.client()
    client.send({ type: 'ping' })
    expect(await client.next('pong')).toEqual({ type: 'pong', reconnectSpread: 1_000 })
  })

  test('the server is never silent towards a leg for longer than the heartbeat', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock, heartbeat: 5_000, reconnectSpread: 700 })
    const client = await server.join()
    let heardAt = clock.monotonic()
    client.ws.on('message', () => {
      expect(clock.monotonic() - heardAt).toBeLessThan(5_000)
      heardAt = clock.monotonic()
    })
    for (let ms = 0; ms < 60_000; ms += 500) {
      await clock.advance(500)
      // A client that is alive answers WebSocket pings, whatever its timers do.
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    expect(client.of('pong').length).toBeGreaterThan(12)
    expect(client.of('pong')[0]).toEqual({ type: 'pong', reconnectSpread: 700 })
    await client.settle()
  })

  test('a client that pings in time gets a pong and nothing else: an idle leg costs two frames in a heartbeat', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock })
    const client = await server.join()
    let pings = 0
    client.ws.on('ping', () => pings++)
    for (let round = 1; round <= 10; round++) {
      await clock.advance(8_000)
      client.send({ type: 'ping' })
      await client.next('pong')
    }
    expect(client.of('pong')).toHaveLength(10)
    expect(pings).toBe(0)
  })

  test('a leg that gets messages anyway gets no pong that it did not ask for', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock })
    const client = await server.join({ topics: { t: {} } })
    for (let second = 0; second < 30; second++) {
      await server.publish('t', second)
      await client.next('message')
      await clock.advance(1_000)
    }
    expect(client.of('pong')).toEqual([])
  })

  test('a leg that is silent for the heartbeat and the grace is closed', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock, limits: { silenceGrace: 5_000 } })
    const [dead, alive] = [await server.client({ autoPong: false }), await server.client({ autoPong: false })]
    await dead.hello()
    await alive.hello()
    for (let second = 0; second < 18; second += 2) {
      await clock.advance(2_000)
      if (second <= 12) expect(dead.ws.readyState).toBe(dead.ws.OPEN)
      await alive.settle()
    }
    expect(await dead.closed).toMatchObject({ code: 1006 })
    await until(() => server.stats().legs === 1, 'the dead one gone')
  })

  test('after the server itself stood still no leg is called dead: its frames may still wait to be read', async () => {
    const clock = createSimulatedClock()
    // A clock whose timers are a minute late, as in a process that was stopped.
    let asleep = 0
    const server = await liveServer({
      clock: { ...clock, monotonic: () => clock.monotonic() + asleep, now: () => clock.now() + asleep },
    })
    const client = await server.client({ autoPong: false })
    await client.hello()
    asleep = 60_000
    await clock.advance(2_000)
    await client.settle()
    await clock.advance(2_000)
    await client.settle()
  })
})

describe('the end of a session', () => {
  test('end() closes all legs of the sessions that match, and no others', async () => {
    const server = await liveServer<{ name: string }>({ authenticate: ({ token }) => ({ name: token! }) })
    const anns = [
      await server.join({ session: 'a', leg: 1, token: 'ann' }),
      await server.join({ session: 'a', leg: 2, token: 'ann' }),
      await server.join({ token: 'ann' }),
    ]
    const bob = await server.join({ token: 'bob' })
    expect(await server.end(({ user }) => user.name === 'ann', 'Signed out.')).toBe(2)
    for (const leg of anns) {
      expect(await leg.next('error')).toEqual({ type: 'error', code: 'session-ended', message: 'Signed out.' })
      expect(await leg.closed).toMatchObject({ code: 3000 })
    }
    await bob.settle()
    await expect(
      server.end(() => {
        throw new Error('bug')
      }),
    ).rejects.toThrow('bug')
    await bob.settle()
  })

  test('end() also closes a leg whose user is known and that is not welcomed yet, so that nobody gets in behind a sign-out', async () => {
    let asked = 0
    const server = await liveServer({ authorize: () => (asked++, new Promise<never>(() => undefined)) })
    const client = await server.client()
    client.send({ type: 'hello', session: 's', leg: 1, topics: { t: {} } })
    await until(() => asked === 1, 'its topic being looked at')
    expect(await server.end(() => true)).toBe(1)
    expect(await client.next('error')).toMatchObject({ code: 'session-ended' })
    expect(await client.closed).toMatchObject({ code: 3000 })
    expect(client.of('welcome')).toEqual([])
  })

  test('end() also closes a leg that is being authenticated, whose answer may be from before the sign-out', async () => {
    const asked = new Map<string, (user: { subject: string }) => void>()
    const server = await liveServer({
      authenticate: ({ session }) => new Promise<{ subject: string }>((resolve) => void asked.set(session, resolve)),
    })
    const [ann, bob] = [await server.client(), await server.client()]
    ann.send({ type: 'hello', session: 'of ann', leg: 1, topics: {} })
    bob.send({ type: 'hello', session: 'of bob', leg: 1, topics: {} })
    await until(() => asked.size === 2, 'asked')
    await server.end({ subject: 'ann' }, 'Signed out.')
    asked.get('of ann')!({ subject: 'ann' })
    asked.get('of bob')!({ subject: 'bob' })
    expect(await ann.next('error')).toMatchObject({ code: 'session-ended', message: 'Signed out.' })
    expect(ann.of('welcome')).toEqual([])
    await bob.next('welcome')
    await bob.settle()
  })

  test.each([
    ['end', (server: LiveServer<{ subject?: string }>, match: () => boolean) => server.end(match)],
    ['renewTokens', (server: LiveServer<{ subject?: string }>, match: () => boolean) => server.renewTokens(match)],
  ])(
    'a match of %s that throws for a client that is being authenticated is reported, and closes nothing',
    async (_, call) => {
      let know: (user: { subject: string }) => void
      const server = await liveServer({
        authenticate: () => new Promise<{ subject?: string }>((resolve) => void (know = resolve)),
      })
      const client = await server.client()
      client.send({ type: 'hello', session: 's', leg: 1, topics: {} })
      await until(() => know !== undefined, 'asked')
      await call(server, () => {
        throw new Error('bug')
      })
      know!({ subject: 'ann' })
      await client.next('welcome')
      await client.settle()
      expect(server.errors).toEqual([new Error('bug')])
    },
  )

  test('a server that closes tells every connection, accepts no new one, and frees everything', async () => {
    const told: string[] = []
    const server = await liveServer({ onSession: ({ type }) => void told.push(type) })
    const address = server.address()
    const [leg, pending] = [await server.join(), await server.client()]
    await Promise.all([server.close(), server.close()])
    expect(await leg.closed).toMatchObject({ code: 1012 })
    expect(await pending.closed).toMatchObject({ code: 1012 })
    expect(told).toEqual(['joined', 'left'])
    expect(server.stats()).toMatchObject({ connections: 0, legs: 0, topics: 0 })
    await expect(fetch(address.replace('ws:', 'http:'))).rejects.toThrow()
  })

  test('an onSession that throws is reported, and the legs live on', async () => {
    const server = await liveServer({
      onSession: () => {
        throw new Error('bug')
      },
    })
    const leg = await server.join()
    leg.close()
    await until(() => server.errors.length === 2, 'both reported')
  })
})
