import { describe, expect, it } from 'vitest'
import { HOUR, jwt, MINUTE, SECOND, signedInWorld, type Provide } from './signed-in.js'

/** Each story is the whole live socket on the simulated world: what the keeper promises on its own is in test/tokens. */
type World = ReturnType<typeof signedInWorld>

describe('the schedule of a signed-in page', () => {
  it.each<[string, (world: World) => Provide, number, object?]>([
    [
      'the ttl',
      ({ issue }) =>
        () => ({ token: issue(6 * MINUTE), ttl: 6 * MINUTE }),
      6 * MINUTE,
    ],
    [
      'a JWT’s own exp − iat',
      ({ issue }) =>
        (_, count) =>
          issue(6 * MINUTE, jwt('ann', 6 * 60, count)),
      6 * MINUTE,
    ],
    [
      'the default of 10 min',
      ({ issue }) =>
        () =>
          issue(),
      10 * MINUTE,
    ],
    [
      'the default of the options',
      ({ issue }) =>
        () =>
          issue(4 * MINUTE),
      4 * MINUTE,
      { tokenRefresh: { lifetime: 4 * MINUTE } },
    ],
    [
      'forty days, which no timer can hold',
      ({ issue }) =>
        () => ({ token: issue(40 * 24 * HOUR), ttl: 40 * 24 * HOUR }),
      40 * 24 * HOUR,
      { heartbeat: false },
    ],
  ])('is uniform in 0.5 to 0.9 of %s', async (_, provide, lifetime, options) => {
    const world = signedInWorld()
    const page = world.page(provide(world), options)
    await page.live()
    const { refreshAt, expiresAt } = page.state().token
    expect(expiresAt! - world.sim.clock.now()).toBeCloseTo(lifetime - 2 * SECOND, -3)
    const due = refreshAt! - expiresAt! + lifetime
    expect(due).toBeGreaterThanOrEqual(0.5 * lifetime)
    expect(due).toBeLessThanOrEqual(0.9 * lifetime)
    if (lifetime > HOUR) return page.socket.close()
    await world.sim.advance(4 * lifetime)
    for (const gap of page.gaps()) expect([gap >= 0.5 * lifetime, gap <= 0.9 * lifetime]).toEqual([true, true])
    expect(new Set(page.gaps()).size).toBe(page.calls.length - 1)
    expect([page.statuses, page.state().leg?.number]).toEqual([[], 1])
    page.socket.close()
  })

  it('counts from the moment of the request, however slow the answer', async () => {
    const { sim, issue, page } = signedInWorld()
    const slow = page(
      () =>
        new Promise((resolve) => sim.clock.setTimeout(() => resolve({ token: issue(), ttl: 10 * MINUTE }), 8 * SECOND)),
    )
    await slow.live(10 * SECOND)
    expect(slow.state().token.expiresAt! - sim.clock.now()).toBeCloseTo(10 * MINUTE - 10 * SECOND, -2)
    slow.socket.close()
  })

  it('asks once, however many dials wait for the answer', async () => {
    const { sim, issue, page } = signedInWorld({ servers: 2 })
    let answer = () => {}
    const one = page(() => new Promise((resolve) => (answer = () => resolve({ token: issue(), ttl: 10 * MINUTE }))))
    one.socket.connect()
    for (let time = 0; time < 8; time++) {
      sim.changeNetwork()
      await sim.advance(SECOND)
    }
    expect(one.calls).toHaveLength(1)
    answer()
    await sim.advance(2 * SECOND)
    expect([one.state().status, one.calls.length]).toEqual(['live', 1])
    one.socket.close()
  })
})

describe('a provider that', () => {
  const bad: [string, (world: World) => unknown, string | undefined][] = [
    ['throws', () => Promise.reject(new Error('503')), undefined],
    ['answers 100 kB', () => 'x'.repeat(100_000), 'invalid'],
    ['answers nothing', () => undefined, 'invalid'],
    ['asks for time', () => ({ retryAfter: 20 * SECOND }), 'refused'],
    ['hangs', () => new Promise(() => {}), 'timeout'],
  ]
  it.each(bad)(
    '%s, once, disturbs nothing: the valid token stays in use, and the call is retried',
    async (_, answer, code) => {
      const world = signedInWorld()
      const page = world.page((_ask, count) =>
        count === 2 ? answer(world) : { token: world.issue(), ttl: 10 * MINUTE },
      )
      await page.live()
      await world.sim.advance(10 * MINUTE)
      expect(page.failures).toMatchObject([code === undefined ? {} : { code }])
      expect(page.calls.map(({ reason, attempt }) => `${reason} ${attempt}`).slice(0, 3)).toEqual([
        'first 1',
        'scheduled 1',
        'scheduled 2',
      ])
      const waited = page.calls[2]!.at - page.failures[0]!.at
      expect(waited).toBeGreaterThanOrEqual(code === 'refused' ? 20 * SECOND : 5 * SECOND)
      expect(waited).toBeLessThanOrEqual(55 * SECOND)
      if (code === 'timeout') expect(page.calls[1]!.signal.aborted).toBe(true)
      expect([page.statuses, page.state().leg?.number, page.state().token.status]).toEqual([[], 1, 'valid'])
      page.socket.close()
    },
  )

  it.each(bad)(
    '%s, from the first call on, is retried with backoff, and the page is live once it has a token',
    async (_, answer) => {
      const world = signedInWorld()
      let well = false
      const page = world.page(() => (well ? { token: world.issue(), ttl: 10 * MINUTE } : answer(world)))
      page.socket.connect()
      await world.sim.advance(15 * MINUTE)
      expect(page.calls.length).toBeGreaterThan(4)
      expect(page.calls.length).toBeLessThan(25)
      page.gaps().forEach((gap) => expect(gap).toBeGreaterThanOrEqual(5 * SECOND))
      expect([page.state().status, world.sim.dials.length]).toEqual(['connecting', 0])
      well = true
      await world.sim.advance(6 * MINUTE)
      expect(page.state().status).toBe('live')
      page.socket.close()
    },
  )

  it('answers the same token again is asked for another one while that token is valid, and the page stays live', async () => {
    const { sim, issue, page } = signedInWorld()
    const cached = issue()
    const one = page((_, count) => (count < 4 ? cached : { token: issue(), ttl: 10 * MINUTE }))
    await one.live()
    await sim.advance(12 * MINUTE)
    expect(one.calls.length).toBeGreaterThanOrEqual(4)
    for (const gap of one.gaps()) expect(gap).toBeGreaterThanOrEqual(5 * SECOND)
    expect([one.statuses, one.state().leg?.number, one.state().token.status]).toEqual([[], 1, 'valid'])
    one.socket.close()
  })

  it.each(['signOut', 'close'] as const)('answers after %s() is ignored: nothing is dialled or sent', async (how) => {
    const { sim, issue, page } = signedInWorld()
    let answer = () => {}
    const one = page((_, count) =>
      count === 1
        ? { token: issue(), ttl: 10 * MINUTE }
        : new Promise((resolve) => (answer = () => resolve({ token: issue(), ttl: 10 * MINUTE }))),
    )
    await one.live()
    for (let second = 0; one.calls.length < 2; second++) await sim.advance(SECOND)
    one.socket[how]()
    expect(one.calls[1]!.signal.aborted).toBe(true)
    const [dials, said] = [sim.dials.length, sim.wire.length]
    answer()
    await sim.advance(HOUR)
    expect(one.state()).toMatchObject({ status: 'closed', closed: { by: how === 'close' ? 'app' : 'signed-out' } })
    expect([one.calls.length, sim.dials.length, sim.wire.slice(said).filter(({ by }) => by === 'client')]).toEqual([
      2,
      dials,
      [],
    ])
  })
})

describe('a session ends permanently', () => {
  it.each<[string, string, (world: World) => Provide, (world: World) => void]>([
    [
      'when the provider says so',
      'logged out',
      ({ issue }) =>
        (_, count) =>
          count === 1 ? { token: issue(), ttl: 10 * MINUTE } : { ended: 'logged out' },
      () => {},
    ],
    [
      'when its time is up',
      'session-expired',
      ({ issue }) =>
        () => ({ token: issue(), ttl: 10 * MINUTE, sessionTtl: 3 * MINUTE }),
      () => {},
    ],
    [
      'when the next token is somebody else’s',
      'subject-changed',
      ({ issue }) =>
        (_, count) =>
          issue(10 * MINUTE, jwt(count === 1 ? 'ann' : 'bob', 600, count)),
      () => {},
    ],
    [
      'when two fresh tokens are refused in a row',
      'token-refused',
      ({ issue }) =>
        (_, count) =>
          count === 1 ? { token: issue(), ttl: 10 * MINUTE } : `bad-${count}`,
      ({ sim, revoke }) => (revoke(), sim.crash(), sim.restart()),
    ],
  ])('%s', async (_, reason, provide, happens) => {
    const world = signedInWorld()
    const page = world.page(provide(world))
    await page.live()
    await world.sim.advance(MINUTE)
    happens(world)
    await world.sim.advance(9 * MINUTE)
    expect(page.ended).toMatchObject([{ reason }])
    expect(page.state()).toMatchObject({
      status: 'closed',
      closed: { by: 'session-ended' },
      token: { status: 'ended' },
    })
    const before = [page.calls.length, world.sim.dials.length]
    await world.sim.advance(2 * HOUR)
    expect([page.calls.length, world.sim.dials.length]).toEqual(before)
    expect(world.sim.servers.reduce((sum, { legs }) => sum + legs, 0)).toBe(0)
  })
})
