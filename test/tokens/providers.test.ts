import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EVENT_TYPES } from '../../src/devtools/event-types.js'
import { AT_REST, HAPPEN, life, restful, world } from '../kit/busy-life.js'

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)
beforeEach(() => void process.on('unhandledRejection', note))
afterEach(() => {
  process.off('unhandledRejection', note)
  expect(unhandled.splice(0)).toEqual([])
})

/** A promise that the test settles. */
function deferred<Value>() {
  let settle!: { resolve(value: Value): void; reject(error: unknown): void }
  const promise = new Promise<Value>((resolve, reject) => void (settle = { resolve, reject }))
  return { promise, ...settle }
}

const fails = (error: unknown) => () => {
  throw error
}

describe('url', () => {
  const BAD: { how: string; url: (good: string) => unknown }[] = [
    { how: 'throws', url: fails(new Error('no')) },
    { how: 'throws what is no error', url: fails(undefined) },
    { how: 'rejects', url: () => Promise.reject(new Error('no')) },
    { how: 'gives nothing', url: () => undefined },
    { how: 'gives null', url: () => Promise.resolve(null) },
    { how: 'gives a number', url: () => 5 },
    { how: 'gives what is no URL', url: () => 'nonsense' },
    { how: 'gives another scheme', url: () => 'ftp://live.test' },
    { how: 'gives a URL with a password', url: () => 'wss://user:secret@live.test/live' },
    {
      how: 'gives a promise that throws when it is looked at',
      url: () => ({
        get then() {
          throw new Error('no')
        },
      }),
    },
    { how: 'hangs', url: () => new Promise(() => undefined) },
  ]
  it.each(BAD)(
    'that $how is a failed dial: it is reported and retried with backoff, and the client is live once the function works',
    async ({ url }) => {
      let bad = true
      const asks: { attempt: number; signal: AbortSignal }[] = []
      const w = world(({ url: good }) => ({
        url: ((ask: (typeof asks)[number]) => {
          asks.push(ask)
          return bad ? url(good) : good
        }) as never,
      }))
      const closes: string[] = []
      w.socket.on('leg-closed', ({ reason }) => void closes.push(reason))
      w.socket.connect()
      await w.simulation.advance(60_000)
      expect(w.simulation.dials).toEqual([])
      expect(asks.length).toBeGreaterThan(3)
      expect(asks.length).toBeLessThan(60)
      expect(asks.map(({ attempt }) => attempt)).toEqual(asks.map((_, at) => at))
      expect(closes.length).toBeGreaterThanOrEqual(asks.length - 1)
      expect(closes.join()).not.toContain('secret')
      expect(closes[0]).not.toBe('')
      bad = false
      await w.simulation.advance(30_000)
      expect(w.socket.store.getState().status).toBe('live')
      expect(asks.slice(0, -1).every(({ signal }) => signal.aborted)).toBe(true)
      w.socket.close()
      await w.simulation.advance(10_000)
      expect(restful(w)).toEqual(AT_REST)
    },
  )

  it('that answers after the timeout is ignored', async () => {
    const late = deferred<string>()
    let asks = 0
    const w = world(({ url }) => ({ url: () => (asks++ === 0 ? late.promise : url) }))
    w.socket.connect()
    await w.simulation.advance(20_000)
    expect(w.socket.store.getState()).toMatchObject({ status: 'live', leg: { number: 2 } })
    late.resolve(w.simulation.url)
    await w.simulation.advance(5_000)
    expect(w.simulation.dials).toHaveLength(1)
    expect(w.told.filter((type) => type === 'leg-open')).toHaveLength(1)
  })

  it('that closes the live socket causes no dial, even if it returns a URL', async () => {
    const w = world(({ url }) => ({
      url: () => {
        w.socket.close()
        return url
      },
    }))
    w.socket.connect()
    await w.simulation.advance(60_000)
    expect(w.simulation.dials).toEqual([])
    expect(w.socket.store.getState().closed).toEqual({ by: 'app' })
    expect(restful(w)).toEqual(AT_REST)
  })

  it('that fails during a handover leaves the active leg in use', async () => {
    let asks = 0
    const w = world(({ url }) => ({ url: () => (asks++ === 0 ? url : Promise.reject(new Error('no'))) }))
    w.socket.connect()
    await w.simulation.advance(500)
    const moved = w.socket.handover().catch(({ code }: { code: string }) => code)
    await w.simulation.advance(31_000)
    expect(await Promise.race([moved, 'unsettled'])).toBe('timeout')
    expect(w.socket.store.getState()).toMatchObject({ status: 'live', leg: { number: 1 }, handover: null })
  })
})

describe('getToken', () => {
  const BAD: { how: string; answer: () => unknown }[] = [
    { how: 'throws', answer: fails(new Error('the secret')) },
    { how: 'rejects with nothing', answer: () => Promise.reject(undefined as never) },
    { how: 'gives nothing', answer: () => Promise.resolve(undefined) },
    { how: 'gives an empty token', answer: () => Promise.resolve('') },
    { how: 'gives a number', answer: () => Promise.resolve(5) },
    { how: 'gives a token that is none', answer: () => Promise.resolve({ token: {} }) },
    { how: 'gives a ttl that is none', answer: () => Promise.resolve({ token: 'a', ttl: -1 }) },
    {
      how: 'gives fields that throw',
      answer: () =>
        Promise.resolve({
          get token() {
            throw new Error('no')
          },
        }),
    },
    { how: 'hangs', answer: () => new Promise(() => undefined) },
  ]
  it.each(BAD)(
    'that $how is called again with backoff, each failure is an event, and nothing is dialled without a token',
    async ({ answer }) => {
      let bad = true
      let asks = 0
      const w = world((simulation) => ({
        getToken: ((ask: never) => (asks++, bad ? answer() : simulation.getToken(ask))) as never,
      }))
      w.socket.connect()
      await w.simulation.advance(120_000)
      expect(w.simulation.dials).toEqual([])
      expect(asks).toBeGreaterThan(1)
      expect(asks).toBeLessThan(30)
      expect(w.told.filter((type) => type === 'token-failed').length).toBeGreaterThanOrEqual(asks - 1)
      bad = false
      await w.simulation.advance(600_000)
      expect(w.socket.store.getState().status).toBe('live')
      w.socket.close()
      await w.simulation.advance(10_000)
      expect(restful(w)).toEqual(AT_REST)
    },
  )

  it.each(['close', 'signOut'] as const)('that calls %s() causes no dial', async (call) => {
    const w = world((simulation) => ({
      getToken: (ask) => {
        w.socket[call]()
        return simulation.getToken(ask)
      },
    }))
    w.socket.connect()
    await w.simulation.advance(60_000)
    expect(w.simulation.dials).toEqual([])
    expect(w.socket.store.getState().status).toBe('closed')
    expect(restful(w)).toEqual(AT_REST)
  })

  it('that answers after signOut() and connect() does not give its token to the new session', async () => {
    const first = deferred<string>()
    let asks = 0
    const w = world((simulation) => ({ getToken: (ask) => (asks++ === 0 ? first.promise : simulation.getToken(ask)) }))
    w.socket.connect()
    await w.simulation.advance(500)
    w.socket.signOut()
    w.socket.connect()
    first.resolve('token-of-somebody-else')
    await w.simulation.advance(60_000)
    expect(w.socket.store.getState().status).toBe('live')
    expect(w.simulation.wire.some(({ text }) => text.includes('somebody-else'))).toBe(false)
  })
})

describe('onClose', () => {
  const BAD: { how: string; answer: () => unknown; error: boolean }[] = [
    { how: 'throws', answer: fails(new Error('no')), error: true },
    { how: 'gives what is no verdict', answer: () => 'maybe', error: true },
    { how: 'gives a promise', answer: () => Promise.resolve('stop'), error: true },
    { how: 'gives null', answer: () => null, error: true },
    { how: 'gives undefined', answer: () => undefined, error: false },
  ]
  it.each(BAD)("that $how leaves the close to the protocol's table", async ({ answer, error }) => {
    const w = world(() => ({ onClose: answer as never }))
    w.socket.connect()
    await w.simulation.advance(500)
    w.simulation.crash()
    w.simulation.restart()
    await w.simulation.advance(60_000)
    expect(w.socket.store.getState()).toMatchObject({ status: 'live', leg: { number: 2 } })
    expect(w.errors).toEqual(error ? [expect.stringContaining('onClose')] : [])
  })

  it('that closes the live socket closes it, even if it returns `retry`', async () => {
    const w = world(() => ({
      onClose: () => {
        w.socket.close()
        return 'retry'
      },
    }))
    w.socket.connect()
    await w.simulation.advance(500)
    w.simulation.crash()
    w.simulation.restart()
    await w.simulation.advance(60_000)
    expect(w.socket.store.getState().closed).toEqual({ by: 'app' })
    expect(restful(w)).toEqual(AT_REST)
  })
})

describe('handover.when', () => {
  const BAD: { how: string; when: () => unknown; error: boolean }[] = [
    { how: 'throws', when: fails(new Error('no')), error: true },
    { how: 'rejects', when: () => Promise.reject(new Error('no')), error: true },
    { how: 'gives no promise', when: () => 5, error: false },
    { how: 'hangs', when: () => new Promise(() => undefined), error: false },
  ]
  it.each(BAD)('that $how does not keep the client from handing over before the deadline', async ({ when, error }) => {
    const w = world(() => ({ handover: { when: when as never } }))
    const observation = w.simulation.observe(w.socket, 'a')
    w.socket.connect()
    await w.simulation.advance(500)
    const stop = w.simulation.publishEvery(50, 'a')
    w.simulation.deploy({ deadline: 20_000 })
    await w.simulation.advance(21_000)
    stop()
    await w.simulation.advance(500)
    expect(w.socket.store.getState()).toMatchObject({ status: 'live', leg: { number: 2 } })
    expect(w.told.filter((type) => type === 'handover-finished')).toHaveLength(1)
    expect(observation.problems()).toEqual([])
    expect(w.errors).toEqual(error ? [expect.stringContaining('handover.when')] : [])
  })

  it('that answers after the handover, or after close(), changes nothing', async () => {
    const moments: ReturnType<typeof deferred<void>>[] = []
    const w = world(() => ({
      handover: {
        when: () => {
          const moment = deferred<void>()
          moments.push(moment)
          return moment.promise
        },
      },
    }))
    w.socket.connect()
    await w.simulation.advance(500)
    w.simulation.deploy({ deadline: 5_000 })
    await w.simulation.advance(6_000)
    expect(w.socket.store.getState().leg?.number).toBe(2)
    moments[0]!.resolve()
    await w.simulation.advance(5_000)
    expect(w.socket.store.getState().leg?.number).toBe(2)
    w.simulation.deploy({ deadline: 5_000 })
    await w.simulation.advance(50)
    w.socket.close()
    moments[1]!.resolve()
    await w.simulation.advance(10_000)
    expect(w.simulation.dials).toHaveLength(2)
    expect(restful(w)).toEqual(AT_REST)
  })

  it('that closes the live socket ends the handover', async () => {
    const w = world(() => ({ handover: { when: async () => w.socket.close() } }))
    w.socket.connect()
    await w.simulation.advance(500)
    w.simulation.deploy({ deadline: 5_000 })
    await w.simulation.advance(30_000)
    expect(w.simulation.dials).toHaveLength(1)
    expect(restful(w)).toEqual(AT_REST)
  })
})

describe('listeners and handlers', () => {
  it('of every kind that throw change nothing: the same messages, the same events', async () => {
    const calm = world()
    const before = await life(calm.simulation, calm.socket)
    const w = world()
    for (const type of EVENT_TYPES)
      w.socket.on(type, () => {
        throw new Error(type)
      })
    w.socket.store.subscribe(() => {
      throw new Error('store')
    })
    w.socket.subscribe('a', () => {
      throw new Error('handler')
    })
    const after = await life(w.simulation, w.socket)
    expect(after.messages).toEqual(before.messages)
    expect(after.problems()).toEqual([])
    const events = (told: string[]) => told.filter((type) => type !== 'error')
    expect(events(w.told)).toEqual(events(calm.told))
    expect(w.errors.some((message) => message.startsWith('A listener threw'))).toBe(true)
    expect(w.errors.some((message) => message.startsWith('A listener of the store threw'))).toBe(true)
    expect(w.errors.some((message) => message.startsWith('A handler of "a" threw'))).toBe(true)
    // The test proves something only if all of these events happened in it.
    expect(new Set(calm.told)).toEqual(new Set(HAPPEN))
  }, 60_000)
})
