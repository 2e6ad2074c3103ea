import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createDrainRate } from '../../../src/server/drain/drain-rate.js'
import { onSignal } from '../../../src/server/drain/drain-signal.js'
import type { DrainOptions } from '../../../src/server/index.js'
import { seededRandom } from '../../../src/testing/seeded-random.js'
import { createSimulatedClock, liveServer, until } from '../kit.js'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)
const health = (address: string) =>
  new Promise<number>(
    (resolve) =>
      void get(
        `${address.replace('ws:', 'http:')}healthz`,
        (response) => (response.resume(), resolve(response.statusCode!)),
      ),
  )

describe('the rate', () => {
  test.each([0.5, 1, 2.5, 10, 200, 5_000])(
    'of %d a second is never exceeded in any second, even with a timer that is often late',
    (rate) => {
      const random = seededRandom(Math.ceil(rate))
      let now = 0
      const limit = createDrainRate(rate, () => now)
      const taken: number[] = []
      while (taken.length < 3 * rate + 20) {
        if (limit.wait() > 0) {
          // As with real timers: whole milliseconds, never early, and occasionally half a second late.
          now += Math.ceil(limit.wait()) + (random() < 0.02 ? Math.floor(random() * 500) : 0)
          continue
        }
        limit.took()
        taken.push(now)
      }
      const most = Math.ceil(rate)
      const window = Math.max(1_000, 1_000 / rate)
      for (let at = most; at < taken.length; at++) expect(taken[at]! - taken[at - most]!).toBeGreaterThanOrEqual(window)
    },
  )

  test('allows no burst after the process stood still, and still catches up soon', () => {
    let now = 0
    const limit = createDrainRate(500, () => now)
    const taken: number[] = []
    for (; now < 10_000; now += now === 2_000 ? 400 : 1) for (; limit.wait() === 0; taken.push(now)) limit.took()
    for (let at = 53; at < taken.length; at++) expect(taken[at]! - taken[at - 53]!).toBeGreaterThanOrEqual(100)
    expect(taken.length).toBeGreaterThan(4_790)
  })

  test('is fully used', () => {
    let now = 0
    const limit = createDrainRate(100, () => now)
    let taken = 0
    for (; now < 2_000; now++) for (; limit.wait() === 0; taken++) limit.took()
    expect(taken).toBe(200)
  })
})

/** A server on a clock of its own with that many legs, and the number of legs that it has asked to hand over. */
async function serverWithLegs(count: number) {
  const clock = createSimulatedClock()
  const server = await liveServer({ clock })
  const legs = await Promise.all(range(1, count).map(() => server.join()))
  return { clock, server, legs, asked: () => legs.reduce((sum, leg) => sum + leg.of('handover').length, 0) }
}

/** 60 legs, of which one leaves each second; the deadline is 10 s. */
async function slowDrain(options: DrainOptions) {
  const clock = createSimulatedClock()
  const told: { type: string }[] = []
  const said: string[] = []
  const server = await liveServer({
    clock,
    onEvent: (event) => void told.push(event),
    onError: (error) => void said.push(String(error)),
  })
  const legs = await Promise.all(range(1, 60).map(() => server.join()))
  const drained = server.drain({ rate: 200, deadline: 10_000, ...options })
  const leaving = [...legs]
  for (let second = 0; second < 120 && server.stats().legs > 0; second++) {
    await clock.advance(1_000)
    leaving.find((leg) => leg.of('handover').length > 0 && leaving.splice(leaving.indexOf(leg), 1))?.close()
    await until(() => server.stats().legs <= leaving.length, 'one has left')
  }
  return {
    drained,
    events: (type: string) => told.filter((event) => event.type === type),
    says: () => said,
    deadlines: () => legs.flatMap((leg) => leg.of('handover').map(({ deadline }) => deadline as number)),
  }
}

describe('a drain', () => {
  test('resolves as soon as every leg has left on its own', async () => {
    const server = await liveServer()
    const legs = await Promise.all(range(1, 3).map(() => server.join()))
    const drained = server.drain({ url: 'wss://green.example/live', reason: 'deploy 7', spread: 20 })
    for (const leg of legs) {
      expect(await leg.next('handover')).toEqual({
        type: 'handover',
        id: expect.any(String),
        reason: 'deploy 7',
        url: 'wss://green.example/live',
        spread: 20,
        deadline: expect.any(Number),
      })
      leg.close()
    }
    expect(await drained).toEqual({ moved: 3, forced: 0 })
  })

  test('of a server without legs is done at once', async () => {
    const server = await liveServer()
    expect(await server.drain()).toEqual({ moved: 0, forced: 0 })
    expect(server.stats().draining).toBe(true)
  })

  test('that is started twice runs once, and both calls get its result', async () => {
    const server = await liveServer()
    const leg = await server.join()
    const [one, two] = [server.drain(), server.drain({ reason: 'again' })]
    leg.close()
    expect(await one).toEqual(await two)
    expect(await server.drain()).toEqual({ moved: 1, forced: 0 })
    await leg.closed
    expect(leg.of('handover')).toHaveLength(1)
  })

  test('fails the readiness check before it asks any leg to hand over', async () => {
    const server = await liveServer()
    await server.join()
    expect(await health(server.address())).toBe(200)
    void server.drain({ rate: 0.001 })
    expect(server.stats().draining).toBe(true)
    expect(await health(server.address())).toBe(503)
  })

  test('without a rate asks all legs within half the deadline, and tells each leg the time that it has left', async () => {
    const { clock, server, legs } = await serverWithLegs(40)
    void server.drain({ deadline: 200 })
    await clock.advance(100)
    await until(() => legs.every((leg) => leg.of('handover').length === 1), 'all asked')
    const deadlines = legs.map((leg) => leg.of('handover')[0]!['deadline'] as number)
    expect(Math.max(...deadlines)).toBe(200)
    expect(Math.min(...deadlines)).toBeGreaterThanOrEqual(100)
    expect(Math.min(...deadlines)).toBeLessThan(110)
  })

  test('asks slightly fewer legs a second than its rate, so that legs that arrive in bunches stay within the rate', async () => {
    const { clock, server, legs, asked } = await serverWithLegs(60)
    void server.drain({ rate: 20, deadline: 60_000 })
    for (let tenth = 0; tenth < 20; tenth++) {
      await clock.advance(100)
      await until(() => {
        for (const leg of legs) if (leg.of('handover').length === 1) leg.close()
        return server.stats().legs === 60 - server.stats().asked
      }, 'those asked have handed over')
    }
    expect(server.stats().asked).toBe(39)
  })

  test('has at most one and a half times as many legs on their way as left in the last seconds: more would overload the servers that take them', async () => {
    const { clock, server, legs, asked } = await serverWithLegs(60)
    void server.drain({ rate: 10, deadline: 60_000 })
    await clock.advance(2_500)
    await until(() => asked() === 10, 'ten asked, when nobody has left yet')
    const gone = legs.filter((leg) => leg.of('handover').length === 1).slice(0, 7)
    for (const leg of gone) leg.close()
    await until(() => server.stats().legs === 53, 'some gone')
    await clock.advance(1_000)
    await until(() => asked() === 18, 'eleven are on their way')
    // A leg that was asked five seconds ago and is still here loads no other server: its page is frozen.
    await clock.advance(5_000)
    await until(() => asked() >= 28, 'others asked')
  })

  test('stops waiting for legs on their way where the rest could then not be asked before the deadline', async () => {
    const { clock, server, legs } = await serverWithLegs(60)
    void server.drain({ rate: 10, deadline: 12_000 })
    await clock.advance(11_000)
    await until(() => legs.every((leg) => leg.of('handover').length === 1), 'all asked')
  })

  test('reports early that it cannot meet its deadline and how long it needs, and closes the remaining legs at the deadline', async () => {
    const { drained, events, says } = await slowDrain({})
    expect(events('drain-late')).toEqual([
      { type: 'drain-late', left: expect.any(Number), deadline: 6_000, needs: expect.any(Number) },
    ])
    expect(says().join(' ')).toContain('cannot meet its deadline')
    expect((await drained).forced).toBeGreaterThan(30)
  })

  test('with extendable: true goes on past its deadline as long as legs leave, and tells each leg its new deadline', async () => {
    const { drained, events, deadlines } = await slowDrain({ extendable: true })
    expect(events('drain-late')).toHaveLength(1)
    expect(await drained).toEqual({ moved: 60, forced: 0 })
    expect(Math.max(...deadlines())).toBeGreaterThan(30_000)
  })

  test('with a rate too low for its deadline closes the remaining legs at the deadline, asked or not', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock })
    const legs = await Promise.all(range(1, 5).map(() => server.join()))
    const drained = server.drain({ rate: 1, deadline: 2_500 })
    await clock.advance(2_500)
    for (const leg of legs) expect(await leg.closed).toMatchObject({ code: 1012 })
    expect(legs.flatMap((leg) => leg.of('handover'))).toHaveLength(3)
    expect(await drained).toEqual({ moved: 0, forced: 5 })
  })

  test('ends a leg that does not answer the close frame', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock })
    const leg = await server.join()
    leg.ws.pause()
    const drained = server.drain({ deadline: 100 })
    await clock.advance(100)
    await clock.advance(2_000)
    expect(await drained).toEqual({ moved: 0, forced: 1 })
  })

  test('that starts in the event of a cancelled one can be cancelled too, and one cancelled in its own start event sends nobody away', async () => {
    const aborts = [new AbortController(), new AbortController(), new AbortController()]
    const told: string[] = []
    const server = await liveServer({
      onEvent({ type }) {
        if (!type.startsWith('drain-')) return
        told.push(type)
        if (told.length === 2) void server.drain({ signal: aborts[1]!.signal })
        if (told.length === 5) aborts[2]!.abort()
      },
    })
    const leg = await server.join()
    void server.drain({ signal: aborts[0]!.signal })
    await leg.next('handover')
    aborts[0]!.abort()
    expect(server.stats().draining).toBe(true)
    aborts[1]!.abort()
    expect(server.stats().draining).toBe(false)
    expect(told).toEqual(['drain-started', 'drain-cancelled', 'drain-started', 'drain-cancelled'])
    const next = await server.client()
    await server.drain({ signal: aborts[2]!.signal })
    await next.hello()
  })

  test('that was cancelled is over, and another one can start', async () => {
    const server = await liveServer()
    const leg = await server.join()
    const cancel = new AbortController()
    const drained = server.drain({ signal: cancel.signal })
    const { id } = await leg.next('handover')
    cancel.abort()
    expect(await drained).toEqual({ moved: 0, forced: 0 })
    const again = server.drain({ reason: 'again' })
    const request = await leg.next('handover')
    expect(request).toMatchObject({ reason: 'again', id: expect.not.stringContaining(id) })
    leg.close()
    expect(await again).toEqual({ moved: 1, forced: 0 })
    expect(leg.frames.map(({ type }) => type)).toEqual(['welcome', 'handover', 'handover-cancelled', 'handover'])
  })

  test('whose signal is already aborted does nothing', async () => {
    const server = await liveServer()
    expect(await server.drain({ signal: AbortSignal.abort() })).toEqual({ moved: 0, forced: 0 })
    await server.join()
  })

  test.each<[string, DrainOptions]>([
    ['rate', { rate: 0 }],
    ['rate', { rate: Number.NaN }],
    ['deadline', { deadline: -1 }],
    ['deadline', { deadline: Infinity }],
    ['deadline', { deadline: 1e16 }],
    ['spread', { spread: 1e16 }],
    ['url', { url: `wss://example.com/${'x'.repeat(2_048)}` }],
    ['rate', { rate: Infinity }],
    ['spread', { spread: -1 }],
    ['url', { url: '/green' }],
    ['url', { url: 'https://green.example' }],
    ['url', { url: 'wss://user:word@green.example' }],
    ['reason', { reason: 7 as never }],
  ])('with an invalid %s is refused, and does not start', async (name, options) => {
    const server = await liveServer()
    await expect(server.drain(options)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(name),
    })
    expect(() => server.drainOn('SIGUSR2', options)).toThrow(expect.objectContaining({ code: 'invalid' }))
    expect(process.listenerCount('SIGUSR2')).toBe(0)
    await server.join()
  })
})

describe('a draining server whose legs no other server takes', () => {
  /** As a client does that was asked to hand over and lands on the same server again. */
  async function comesBack(server: Awaited<ReturnType<typeof serverWithLegs>>['server'], times: number) {
    for (let time = 0; time < times; time++) expect(await (await server.client()).closed).toMatchObject({ code: 1012 })
  }

  async function alone(options: DrainOptions, times = 3) {
    const events: { type: string }[] = []
    const clock = createSimulatedClock()
    const server = await liveServer({ clock, onEvent: (event) => void events.push(event) })
    const legs = await Promise.all(range(1, 2).map(() => server.join()))
    const drained = server.drain(options)
    await clock.advance(10)
    for (const leg of legs) await leg.next('handover')
    await comesBack(server, times)
    return { events, clock, server, legs, drained, said: () => events.filter(({ type }) => type === 'drain-alone') }
  }

  test('reports it after 1.5 s and ends the drain, so that the next process can have its port', async () => {
    const { clock, server, drained, said } = await alone({})
    await clock.advance(1_489)
    expect(said()).toEqual([])
    await clock.advance(1)
    expect(said()).toEqual([{ type: 'drain-alone', left: 2 }])
    expect(server.errors).toEqual([
      expect.objectContaining({
        code: 'refused',
        message: expect.stringContaining('Nobody else takes the connections'),
      }),
    ])
    expect(await drained).toEqual({ moved: 0, forced: 2 })
  })

  test('reports it and still waits for a deadline that was set, in production', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { clock, server, said } = await alone({ deadline: 20_000 })
    await clock.advance(10_000)
    expect(said()).toHaveLength(1)
    expect(server.stats().legs).toBe(2)
  })

  test('reports nothing once a leg has handed over', async () => {
    const { clock, server, legs, said } = await alone({})
    legs[0]!.close()
    await until(() => server.stats().legs === 1, 'one has gone')
    await clock.advance(5_000)
    expect(said()).toEqual([])
  })

  test('reports nothing while its legs do not come back: their pages may be asleep', async () => {
    const { clock, said } = await alone({}, 1)
    await clock.advance(5_000)
    expect(said()).toEqual([])
  })
})

describe('on a signal', () => {
  function host() {
    const listeners = new Set<() => void>()
    const exits: number[] = []
    return {
      listeners,
      exits,
      on: (_: string, listener: () => void) => listeners.add(listener),
      off: (_: string, listener: () => void) => listeners.delete(listener),
      listenerCount: () => listeners.size,
      exit: (code: number) => exits.push(code),
      send: () => listeners.forEach((listener) => listener()),
    }
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  test('the server drains, and then the process ends; a second signal cuts the drain short', async () => {
    const process = host()
    let empty = () => undefined as void
    let now = 0
    const done: string[] = []
    onSignal(process, 'SIGTERM', {
      empty: () => (done.push('empty'), new Promise<boolean>((resolve) => void (empty = () => resolve(true)))),
      hurry: () => void done.push('hurry'),
      now: () => now,
      onError: () => undefined,
    })
    process.send()
    now += 500
    process.send()
    await turn()
    expect(done).toEqual(['empty', 'hurry'])
    expect(process.exits).toEqual([])
    empty()
    await turn()
    expect(process.exits).toEqual([0])
  })

  test.each([1, 30, 130, 499])(
    'a signal that comes again %i ms later counts as the same one: the parent process may pass on what the terminal has already sent',
    async (later) => {
      const process = host()
      let now = 7_000
      const done: string[] = []
      onSignal(process, 'SIGINT', {
        empty: () => (done.push('empty'), new Promise<boolean>(() => undefined)),
        hurry: () => void done.push('hurry'),
        now: () => now,
        onError: () => undefined,
      })
      process.send()
      now += later
      process.send()
      expect(done).toEqual(['empty'])
    },
  )

  test('a signal that comes again while the server closes does not kill the process: its listener stays until the end', async () => {
    const process = host()
    let empty = () => undefined as void
    const undo = onSignal(process, 'SIGUSR2', {
      empty: () => new Promise<boolean>((resolve) => void (empty = () => resolve(true))),
      hurry: () => undefined,
      now: () => 0,
      onError: () => undefined,
    })
    process.send()
    undo()
    expect(process.listeners.size).toBe(1)
    empty()
    await turn()
    expect(process.listeners.size).toBe(0)
    expect(process.exits).toEqual([0])
  })

  test('with several servers the last one to finish ends the process, and the exit code tells of a failure', async () => {
    const process = host()
    const errors: unknown[] = []
    const tasks = { hurry: () => undefined, now: () => 0, onError: (error: unknown) => void errors.push(error) }
    let late = () => undefined as void
    onSignal(process, 'SIGTERM', { ...tasks, empty: async () => true })
    onSignal(process, 'SIGTERM', {
      ...tasks,
      empty: () => new Promise<boolean>((_, reject) => void (late = () => reject(new Error('stuck')))),
    })
    process.send()
    await turn()
    expect(process.exits).toEqual([])
    late()
    await turn()
    expect(process.exits).toEqual([1])
    expect(errors).toHaveLength(1)
  })

  test('after a cancelled drain the server serves as before, and the next signal starts a new drain', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock })
    const http = createServer(server.drainEndpoint('a-secret-of-some-length')).listen(0, '127.0.0.1')
    await new Promise((resolve) => http.once('listening', resolve))
    onTestFinished(() => void http.close())
    const leg = await server.join()
    const other = () => undefined
    process.on('SIGUSR2', other)
    onTestFinished(() => void process.off('SIGUSR2', other))
    server.drainOn('SIGUSR2', { reason: 'stop' })
    process.emit('SIGUSR2')
    await leg.next('handover')
    const { port } = http.address() as AddressInfo
    await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { authorization: 'Bearer a-secret-of-some-length' },
      body: '{"cancel":true}',
    })
    await leg.next('handover-cancelled')
    await server.join()
    process.emit('SIGUSR2')
    await leg.next('handover')
    await clock.advance(1_000)
    process.emit('SIGUSR2')
    expect(await leg.closed).toMatchObject({ code: 1012 })
    await until(() => process.listenerCount('SIGUSR2') === 1, 'it listens no more')
  })

  test('a closed server no longer listens for the signal', async () => {
    const server = await liveServer()
    server.drainOn('SIGUSR2')
    expect(process.listenerCount('SIGUSR2')).toBe(1)
    await server.close()
    expect(process.listenerCount('SIGUSR2')).toBe(0)
  })

  test('a server asks its legs to hand over, and closes them at the second signal', async () => {
    const clock = createSimulatedClock()
    const server = await liveServer({ clock })
    const leg = await server.join()
    const other = () => undefined
    process.on('SIGUSR2', other)
    server.drainOn('SIGUSR2', { reason: 'stop' })
    process.emit('SIGUSR2')
    expect(await leg.next('handover')).toMatchObject({ reason: 'stop' })
    await clock.advance(1_000)
    process.emit('SIGUSR2')
    expect(await leg.closed).toMatchObject({ code: 1012 })
    await until(() => process.listenerCount('SIGUSR2') === 1, 'it listens no more')
    process.off('SIGUSR2', other)
  })
})
