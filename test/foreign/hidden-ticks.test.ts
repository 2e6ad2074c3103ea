import { afterEach, describe, expect, it, vi } from 'vitest'
import { rawProtocol } from '../../src/index.js'
import type { PageChange } from '../../src/host/page.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { createThrottledClock } from '../../src/testing/throttled-clock.js'
import { handServed } from '../kit/hand-served.js'

const MINUTE = 60_000
const EVERY = 10_000

const said = (data: unknown) => (JSON.parse(String(data)) as { type: string }).type

/** A page whose server asks for nothing: only the client can prevent silence. */
function page({ pings = true } = {}) {
  const world = createSimulatedClock()
  const clock = createThrottledClock(world)
  const listeners = new Set<(change: PageChange) => void>()
  let hidden = false
  const tell = (change: PageChange) => {
    for (const listener of listeners) listener(change)
  }
  const protocol = rawProtocol({
    hello: () => '{"type":"hello","topics":{}}',
    ready: (data) => said(data) === 'welcome',
    message: () => null,
    ...(pings && { ping: () => '{"type":"ping"}', pong: (data) => said(data) === 'pong' }),
  })
  const served = handServed({
    protocol,
    heartbeat: { interval: 10_000, timeout: 5_000 },
    environment: {
      clock,
      page: {
        hidden: () => hidden,
        subscribe: (listener) => (listeners.add(listener), () => void listeners.delete(listener)),
      },
    },
  })
  return {
    ...served,
    world,
    tell,
    /** From now on its timers run once every `every` ms. */
    hide(every = 1_000) {
      clock.throttle(every)
      if (!hidden) tell(((hidden = true), 'hidden'))
    },
    show() {
      clock.throttle(0)
      tell(((hidden = false), 'shown'))
    },
    /** Pings are answered for `lasts` ms. Returns the client's longest silence in that time, in ms. */
    async silence(lasts: number) {
      const leg = await served.leg(served.dials())
      let heard = leg.said.length
      let spoke = world.monotonic()
      let longest = 0
      for (const end = spoke + lasts; world.monotonic() < end; ) {
        await world.advance(500)
        longest = Math.max(longest, world.monotonic() - spoke)
        if (leg.said.length === heard) continue
        heard = leg.said.length
        spoke = world.monotonic()
        leg.send({ type: 'pong' })
      }
      return longest
    },
  }
}
type World = ReturnType<typeof createSimulatedClock>

/** Counts the workers. They keep running while their page's timers do not. */
function workersOf(world: World) {
  const working = new Set<object>()
  class FakeWorker {
    onmessage: (() => void) | null = null
    constructor() {
      working.add(this)
      const next = () =>
        void world.setTimeout(() => {
          if (!working.has(this)) return
          this.onmessage?.()
          next()
        }, EVERY)
      next()
    }
    terminate() {
      working.delete(this)
    }
  }
  vi.stubGlobal('Worker', FakeWorker)
  return working
}

afterEach(() => vi.unstubAllGlobals())

describe('a tab that is hidden for long, with a server that sends no pings', () => {
  it('is not silent for half a minute: neither an idle limit of 60 s nor SignalR’s 30 s cuts it', async () => {
    const { world, live, hide, show, silence, dials, statuses } = page()
    const workers = workersOf(world)
    await live()
    hide()
    expect(await silence(5 * MINUTE)).toBeLessThan(30_000)
    hide(MINUTE)
    expect(workers.size).toBe(1)
    expect(await silence(30 * MINUTE)).toBeLessThan(30_000)
    expect([dials(), statuses]).toEqual([1, ['connecting', 'live']])
    show()
    expect(workers.size).toBe(0)
  })

  it('starts no worker within the first minute, and leaves none behind, however it ends', async () => {
    const { world, live, hide, show, silence, tell, socket } = page()
    const workers = workersOf(world)
    await live()
    hide()
    await silence(MINUTE - 1_000)
    show()
    await silence(2 * MINUTE)
    expect(workers.size).toBe(0)
    hide()
    await silence(2 * MINUTE)
    expect(workers.size).toBe(1)
    tell('resumed')
    expect(workers.size).toBe(1)
    tell('stored')
    expect(workers.size).toBe(0)
    show()
    hide()
    await world.advance(2 * MINUTE)
    expect(workers.size).toBe(1)
    socket.close()
    expect(workers.size).toBe(0)
  })

  it('starts no worker if the server answers no pings: there is nothing to send', async () => {
    const { world, live, hide } = page({ pings: false })
    const workers = workersOf(world)
    await live()
    hide()
    await world.advance(3 * MINUTE)
    expect(workers.size).toBe(0)
  })

  it.each(['there are no workers', 'the page forbids them'])(
    'sends once a minute if %s, and nothing else goes wrong',
    async (why) => {
      if (why.includes('forbids'))
        vi.stubGlobal('Worker', function () {
          throw new Error('Refused: worker-src')
        })
      const { live, hide, silence, statuses } = page()
      await live()
      hide(MINUTE)
      const longest = await silence(10 * MINUTE)
      expect(longest).toBeGreaterThan(MINUTE - 1_000)
      expect(longest).toBeLessThan(1.2 * MINUTE)
      expect(statuses).toEqual(['connecting', 'live'])
    },
  )
})
