import { expect, test } from 'vitest'
import { createStepClock } from '../../kit/step-clock.js'
import { createAdmission, type AdmissionDeps, type Room } from '../../../src/server/admission/admission.js'
import { limitBounds } from '../../../src/server/bounds.js'
import { seededRandom } from '../../../src/testing/seeded-random.js'

/**
 * An identity service that handles `width` calls at a time, for `call` ms each, in the order of arrival. The server
 * gets each answer `late` ms later.
 */
function stand({
  width,
  call,
  late = 0,
  ...deps
}: { width: number; call: number; late?: number } & Partial<AdmissionDeps>) {
  const clock = createStepClock()
  const queue: (() => void)[] = []
  const service = { width, call, away: false, running: 0, calls: 0, wasted: 0, most: 0 }
  const admission = createAdmission({
    clock,
    most: limitBounds.maxAuthenticating.otherwise,
    queueTimeout: 60_000,
    patience: 10_000,
    abandoned: () => 0,
    ...deps,
  })
  function ask(done: (failed: boolean) => void) {
    queue.push(() => done(service.away))
    service.most = Math.max(service.most, queue.length + service.running)
    next()
  }
  function next() {
    while (service.running < service.width && queue.length > 0) {
      const done = queue.shift()!
      service.running++
      clock.setTimeout(() => {
        service.running--
        service.calls++
        if (late > 0) clock.setTimeout(done, late)
        else done()
        next()
      }, service.call)
    }
  }
  return { clock, service, admission, ask }
}

interface Fate {
  live: number | null
  dials: number
  words: number
}

/** A client that dials at once, waits, leaves after too long a silence, and comes back when it was told to. */
function dial(
  { clock, service, admission, ask }: ReturnType<typeof stand>,
  random: () => number,
  patience: number | null = 10_000,
  address = '192.0.2.1',
): Fate {
  const fate: Fate = { live: null, dials: 0, words: 0 }
  const again = (delay: number) => void clock.setTimeout(hello, delay)
  const turnedAway = ({ retryAfter, spread }: Room) => again(retryAfter + random() * (spread ?? 4_000))
  function hello() {
    fate.dials++
    // The same limit as for connections that are not welcomed yet.
    if (admission.stats.waiting >= 2_000) return turnedAway(admission.room())
    let here = true
    let leaves = () => undefined as void
    const wait = () => {
      leaves()
      leaves = clock.setTimeout(() => {
        here = false
        place.left()
        again(250 + random() * 2_000)
      }, patience ?? 10_000)
    }
    wait()
    const place = admission.enter({
      address,
      ...(patience === null ? undefined : { patience }),
      begin: () =>
        ask((failed) => {
          if (!here) return void service.wasted++
          leaves()
          place.ended(failed)
          if (!failed) fate.live = clock.monotonic()
          else again(1_000 + random() * 4_000)
        }),
      busy(room) {
        leaves()
        turnedAway(room)
      },
      waits() {
        fate.words++
        wait()
      },
    })
  }
  hello()
  return fate
}

/** Clients that come back over `spread` ms, starting now. */
function crowd(world: ReturnType<typeof stand>, clients: number, spread: number, patience: number | null = 10_000) {
  const random = seededRandom(7)
  const fates: Fate[] = []
  for (let client = 0; client < clients; client++)
    world.clock.setTimeout(() => void fates.push(dial(world, random, patience)), random() * spread)
  const lasts = (ms: number) => {
    world.clock.advance(ms)
    const live = fates.filter((fate) => fate.live !== null)
    return {
      live: live.length,
      last: Math.max(0, ...live.map((fate) => fate.live!)),
      dials: fates.reduce((sum, { dials }) => sum + dials, 0) / clients,
      words: fates.reduce((sum, { words }) => sum + words, 0),
    }
  }
  return { lasts }
}

test('a client that comes alone is greeted at once, without a timer or a wait in the queue', () => {
  const world = stand({ width: 10, call: 500 })
  let begun = 0
  const place = world.admission.enter({
    address: '192.0.2.1',
    begin: () => void begun++,
    busy: () => undefined,
    waits: () => undefined,
  })
  expect(begun).toBe(1)
  expect(world.clock.pending).toBe(0)
  place.ended(false)
  expect(world.admission.stats).toMatchObject({ greeting: 0, waiting: 0, turnedAway: 0, perSecond: null })
})

test('an address that floods the queue delays only itself: another address is greeted right after the greetings under way, however long the queue', () => {
  const world = stand({ width: 2, call: 100 })
  const random = seededRandom(3)
  for (let at = 0; at < 500; at++) dial(world, random, 10_000, '198.51.100.66')
  world.clock.advance(1_000)
  const asked = world.clock.monotonic()
  const honest = ['203.0.113.1', '203.0.113.2', '203.0.113.3'].map((address) => dial(world, random, 10_000, address))
  world.clock.advance(2_000)
  // The whole line would take another 20 s.
  expect(world.admission.stats.waiting).toBeGreaterThan(300)
  for (const { live, dials } of honest) {
    expect(dials).toBe(1)
    expect(live! - asked).toBeLessThan(2_000)
  }
})

/**
 * The clients come back over `spread` ms, and are all live within `needed` ms, while the service works for nobody else.
 */
function comeBack(world: ReturnType<typeof stand>, clients: number, spread: number, needed: number) {
  const seen = crowd(world, clients, spread).lasts(40_000)
  expect(seen.live).toBe(clients)
  expect(seen.last).toBeLessThan(needed)
  expect(seen.dials).toBeLessThan(1.5)
  expect(world.service.wasted).toBe(0)
}

test('only a waiting hello is turned away to make room for a newcomer, never a live leg whose fresh token waits for its check', () => {
  const { admission } = stand({ width: 1, call: 500, most: 1 })
  const sent: string[] = []
  const wait = (name: string, address: string, live: boolean) =>
    admission.enter({
      address,
      live,
      patience: 10_000,
      begin: () => undefined,
      busy: () => void sent.push(name),
      waits: () => undefined,
    })
  wait('greeted', 'elsewhere', false)
  for (const name of ['check 1', 'check 2', 'check 3', 'check 4']) wait(name, 'office', true)
  expect(admission.makeRoom('newcomer')).toBe(false)
  const [, second] = ['hello 1', 'hello 2', 'hello 3'].map((name) => wait(name, 'cafe', false))
  expect(admission.makeRoom('newcomer')).toBe(true)
  expect(sent).toEqual(['hello 3'])
  second!.left()
  expect(admission.makeRoom('newcomer')).toBe(false)
  expect(admission.stats.waiting).toBe(5)
  admission.close()
})

test.each([1_000, 2_000, 10_000, 30_000])(
  '600 clients who come back within %s ms to an identity service that takes 20 a second are live as soon as it can check them, and it never checks a client that has gone',
  (spread) => {
    const world = stand({ width: 10, call: 500 })
    comeBack(world, 600, spread, 30_000 * 1.15)
    expect(world.service.most).toBeLessThanOrEqual(60)
  },
)

test.each([2_000, 10_000])(
  'a server that hears every answer 100 ms late still keeps an identity service of 200 a second busy, when 3,000 clients come back within %s ms',
  (spread) => comeBack(stand({ width: 100, call: 500, late: 100 }), 3_000, spread, 15_000 * 1.1),
)

test('clients turned away from a full queue are told when to come back, each at a different time, and seldom dial in vain', () => {
  const world = stand({ width: 100, call: 500 })
  const { lasts } = crowd(world, 20_000, 1_000)
  const seen = lasts(150_000)
  expect(seen.live).toBe(20_000)
  expect(seen.last).toBeLessThan(100_000 * 1.25)
  expect(seen.dials).toBeLessThan(4)
  expect(world.service.wasted).toBe(0)
})

test('a slow moment of the identity service keeps nobody away for long: clients turned away during it are back while the queue lasts', () => {
  const world = stand({ width: 100, call: 400 })
  crowd(world, 20, 1).lasts(1_000)
  // The process is busy with the new connections.
  world.service.call = 2_500
  const { lasts } = crowd(world, 3_000, 3_000)
  const { live, dials } = lasts(6_000)
  expect(dials).toBeGreaterThan(1)
  world.service.call = 500
  const from = world.clock.monotonic()
  const seen = lasts(90_000)
  expect(seen.live).toBe(3_000)
  expect(seen.last - from).toBeLessThan(((3_000 - live) / 200) * 1_000 * 1.25)
  expect(seen.dials).toBeLessThan(2.5)
})

test('a client that does not say how long it waits is told busy at once where its turn would come too late', () => {
  const world = stand({ width: 10, call: 500 })
  const { lasts } = crowd(world, 600, 2_000, null)
  const seen = lasts(45_000)
  expect(seen.live).toBe(600)
  expect(seen.words).toBe(0)
  expect(world.service.wasted).toBeLessThan(18)
  expect(seen.last).toBeLessThan(30_000 * 1.3)
})

test('an identity service that is down for 20 s gets only a few calls at a time, and all clients are live soon after it is back', () => {
  const world = stand({ width: 100, call: 100 })
  world.service.away = true
  const { lasts } = crowd(world, 2_000, 2_000)
  lasts(20_000)
  expect(world.admission.stats.limit).toBeLessThan(10)
  world.service.away = false
  const seen = lasts(20_000)
  expect(seen.live).toBe(2_000)
})

test('an identity service that only became slower still gets as many calls as it can take', () => {
  const world = stand({ width: 1_000, call: 50 })
  const first = crowd(world, 500, 1_000)
  first.lasts(5_000)
  world.service.call = 3_000
  const { lasts } = crowd(world, 1_000, 1_000)
  const seen = lasts(60_000)
  expect(seen.live).toBe(1_000)
  expect(world.service.wasted).toBeLessThan(30)
})

test.each([0.2, 1, 5])(
  'no spread, however short or long, keeps clients out for longer than the capacity needs: at %s times the capacity that brings all back in 30 s',
  (share) => {
    for (const spread of [1_000, 5_000, 30_000, 120_000]) {
      const world = stand({ width: Math.round(share * 20), call: 100 })
      const { lasts } = crowd(world, 6_000, spread)
      const needed = Math.max(30_000 / share, spread)
      const seen = lasts(needed * 1.3)
      expect(seen.live, `${spread} ms`).toBeGreaterThanOrEqual(6_000 * 0.99)
      expect(world.service.wasted, `${spread} ms`).toBe(0)
    }
  },
)
