import type { LiveSocketOptions } from 'livesocket'
import { describe, expect, it } from 'vitest'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { handServed } from '../kit/hand-served.js'

describe('signing out and connecting again when a leg ends', () => {
  const places = ['onClose', 'leg-closed', 'error'] as const

  it.each(places)(
    'in %s starts a session that the end of the earlier leg with the same number does not touch',
    async (place) => {
      let times = 0
      const anew = () => {
        if (times++ > 0) return
        socket.signOut()
        socket.connect()
      }
      const { socket, clock, ...hand } = handServed({
        ...(place === 'onClose' && { onClose: anew as () => undefined }),
      })
      if (place !== 'onClose') socket.on(place, anew)
      const heard: unknown[] = []
      socket.subscribe('a', (data) => void heard.push(data))
      const first = await hand.live()
      first.end(place === 'error' ? 1002 : 1006)
      const next = await hand.leg(2)
      next.welcome()
      await clock.flush()
      next.send({ type: 'message', topic: 'a', offset: 6, prev: 5, data: 1 })
      await clock.advance(20_000)
      expect(times).toBeGreaterThan(0)
      expect(socket.store.getState()).toMatchObject({ status: 'live', leg: { number: 1 } })
      expect(heard).toEqual([1])
      expect(hand.dials()).toBe(2)
    },
  )
})

describe('a listener that is called during the welcome of a leg', () => {
  it('may sign out and connect again: the socket is live when the leg of the new session is welcomed, and not before', async () => {
    const { socket, clock, ...hand } = handServed({ getToken: async () => ({ token: 't', ttl: 600_000 }) })
    socket.connect()
    const first = await hand.leg(1)
    let times = 0
    socket.store.subscribe(({ token }, before) => {
      if (token === before.token || times++ > 0) return
      socket.signOut()
      socket.connect()
    })
    first.welcome({ tokenTtl: 100_000 })
    await clock.flush()
    expect(times).toBeGreaterThan(0)
    expect(socket.store.getState().status).toBe('connecting')
    ;(await hand.leg(2)).welcome()
    await clock.flush()
    expect(socket.store.getState().status).toBe('live')
  })
})

describe('several listeners of the end of a session', () => {
  const watched = (options: Partial<LiveSocketOptions> = {}) => {
    const counts = { watching: 0 }
    const network = {
      online: () => true,
      subscribe: () => (counts.watching++, () => void counts.watching--),
    }
    return { counts, ...handServed({ ...options, environment: { network } }) }
  }

  it('may all connect: the socket connects once, and leaves nothing when it is closed', async () => {
    const { socket, clock, counts, ...hand } = watched()
    for (let n = 0; n < 2; n++)
      socket.store.subscribe(({ closed }) => closed?.by === 'session-ended' && socket.connect())
    const leg = await hand.live()
    leg.send({ type: 'error', code: 'session-ended', message: 'over' })
    leg.end(4401, 'session-ended')
    await clock.flush()
    expect(hand.dials()).toBe(2)
    expect(counts.watching).toBe(1)
    socket.close()
    await clock.advance(5_000)
    expect(counts.watching).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('may connect and sign out one after the other: the last call holds', async () => {
    const { socket, clock, ...hand } = watched()
    let connects = 0
    socket.store.subscribe(({ closed }) => closed?.by === 'app' && connects++ === 0 && socket.connect())
    socket.store.subscribe(({ closed }) => closed?.by === 'app' && socket.signOut())
    await hand.live()
    socket.close()
    await clock.flush()
    expect(connects).toBe(1)
    expect(socket.store.getState().closed).toEqual({ by: 'signed-out' })
  })
})

describe('a callback that ends the session', () => {
  it('as onClose closes the socket, and no lost connection is reported', async () => {
    const { socket, clock, ...hand } = handServed({ onClose: () => void socket.close() as undefined })
    ;(await hand.live()).end(1006)
    await clock.flush()
    expect(socket.store.getState()).toMatchObject({ status: 'closed', closed: { by: 'app' }, lastError: null })
  })

  it('as a reducer leaves nothing of the earlier user in the fold', async () => {
    const { socket, clock, ...hand } = handServed()
    const fold = socket.fold(
      'a',
      (state: readonly unknown[], data) => {
        if (data === 'bye') socket.signOut()
        return [...state, data]
      },
      [],
    )
    fold.subscribe(() => undefined)
    const leg = await hand.live()
    leg.send({ type: 'message', topic: 'a', offset: 6, prev: 5, data: 'secret' })
    leg.send({ type: 'message', topic: 'a', offset: 7, prev: 6, data: 'bye' })
    await clock.advance(100)
    expect(fold.getState()).toEqual([])
  })

  it.each(['handler', 'schema'] as const)('as a %s is the last one that is called in that session', async (who) => {
    const validate = (value: unknown) => {
      if (who === 'schema') socket.signOut()
      return { value }
    }
    const { socket, clock, ...hand } = handServed({
      schemas: { a: { '~standard': { version: 1, vendor: 'test', validate } } },
    })
    socket.subscribe('a', () => who === 'handler' && socket.signOut())
    const heard: unknown[] = []
    socket.subscribe('a', (data) => void heard.push(data))
    const leg = await hand.live()
    leg.send({ type: 'message', topic: 'a', offset: 6, prev: 5, data: 'secret' })
    await clock.flush()
    expect(socket.store.getState().status).toBe('closed')
    expect(heard).toEqual([])
  })
})

describe('a listener of the store', () => {
  it('gets each state once, with the one before it, even if another listener changes the state again', async () => {
    const { socket, clock, ...hand } = handServed()
    socket.store.subscribe(({ status }) => status === 'live' && socket.close())
    const told: string[] = []
    socket.store.subscribe((now, before) => {
      if (now.status !== before.status) told.push(`${before.status} ${now.status}`)
    })
    await hand.live()
    await clock.flush()
    expect(told).toEqual(['idle connecting', 'connecting closed'])
  })
})

describe('subscribe', () => {
  it('throws, and subscribes nothing, if its signal is not an AbortSignal', async () => {
    const { socket, ...hand } = handServed()
    for (const signal of [{}, 'abort', 1, null])
      expect(() => socket.subscribe('a', () => undefined, { signal: signal as never })).toThrow(
        expect.objectContaining({ code: 'invalid' }) as Error,
      )
    const leg = await hand.live()
    expect(leg.said[0]!['topics']).toEqual({})
  })
})

describe('a retryAfter of years', () => {
  const HOUR = 3_600_000

  it('counts as an hour, for a topic and for signals', async () => {
    const clock = createSimulatedClock()
    let ahead = 0
    const environment = { clock: { ...clock, now: () => clock.now() + ahead } }
    const { socket, ...hand } = handServed({ environment })
    socket.subscribe('a', () => undefined)
    socket.subscribe('b', () => undefined)
    const leg = await hand.live()
    socket.signal('a', 1)
    leg.send({ type: 'nack', id: leg.of('signal')[0]!['id'], code: 'busy', message: 'later', retryAfter: 1e13 })
    leg.send({ type: 'error', topic: 'b', code: 'busy', message: 'later', retryAfter: 1e13 })
    socket.signal('a', 2)
    const later = async (by: number) => {
      ahead += by
      await clock.advance(100)
      leg.send({ type: 'pong' })
      await clock.advance(100)
      return { signals: leg.of('signal').length, subscribes: leg.of('subscribe').length }
    }
    expect(await later(HOUR / 2)).toEqual({ signals: 1, subscribes: 0 })
    expect(await later(HOUR)).toEqual({ signals: 2, subscribes: 1 })
  })
})

describe('a listener of handover-failed', () => {
  it('may call handover() again, and that one does not fail with the first', async () => {
    const { socket, clock, ...hand } = handServed()
    let next: Promise<void> | undefined
    socket.on('handover-failed', () => void (next ??= socket.handover()))
    await hand.live()
    const first = socket.handover()
    first.catch(() => undefined)
    await clock.advance(31_000)
    await expect(first).rejects.toMatchObject({ code: 'timeout' })
    ;(await hand.legs()).at(-1)!.welcome()
    await clock.advance(1_000)
    await expect(next).resolves.toBeUndefined()
  })
})

describe('a session that proves to be over when a dial needs a token', () => {
  const expiring = () => handServed({ getToken: async () => ({ token: 't', ttl: 600_000, sessionTtl: 5_000.2 }) })
  /** The next dial is due 750 ms after its leg has died: a moment after the end, and before any of its timers. */
  const LAST = 4_250.5

  it('ends: nothing more is dialled, and no server is reported as unreachable', async () => {
    const { socket, clock, told, ...hand } = expiring()
    const leg = await hand.live()
    await clock.advance(LAST)
    leg.end(1006)
    await clock.advance(10_000)
    expect(socket.store.getState()).toMatchObject({
      closed: { reason: 'session-expired' },
      lastError: { code: 'lost' },
    })
    expect(told('leg-dialling')).toHaveLength(told('leg-closed').length)
    expect(hand.dials()).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it('may be followed by connect() in its session-ended listener, which dials one leg of a new session', async () => {
    const { socket, clock, ...hand } = expiring()
    socket.on('session-ended', () => socket.connect())
    const leg = await hand.live()
    await clock.advance(LAST)
    leg.end(1006)
    await clock.advance(1_000)
    ;(await hand.leg(2)).welcome()
    await clock.advance(1_000)
    expect(socket.store.getState()).toMatchObject({ status: 'live', leg: { number: 1 } })
    expect(hand.dials()).toBe(2)
  })
})
