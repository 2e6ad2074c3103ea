import { mock } from 'node:test'
import imported from 'reconnecting-websocket'
import { describe, expect, it, vi } from 'vitest'
import { instant, since } from '../../src/base/clock.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

// The types say that a CommonJS import has `default`; a bundler imports the class itself.
const ReconnectingWebSocket = ('default' in imported ? imported.default : imported) as typeof imported.default

describe('the simulated clock', () => {
  it('runs timers in the order of their time, including those set by timers, and none early', async () => {
    const clock = createSimulatedClock()
    const seen: [string, number][] = []
    const note = (name: string) => () => void seen.push([name, clock.monotonic()])
    clock.setTimeout(note('second'), 20)
    clock.setTimeout(() => {
      note('first')()
      clock.setTimeout(note('from a timer'), 5)
    }, 10)
    clock.setTimeout(note('as second, but set later'), 20)
    clock.setTimeout(note('later'), 31)
    await clock.advance(30)
    expect(seen).toEqual([
      ['first', 10],
      ['from a timer', 15],
      ['second', 20],
      ['as second, but set later', 20],
    ])
    expect(clock.monotonic()).toBe(30)
    expect(clock.next()).toBe(1)
    expect(clock.pending).toBe(1)
  })

  it('lets promises run before the next timer', async () => {
    const clock = createSimulatedClock()
    const seen: string[] = []
    clock.setTimeout(() => {
      void (async () => {
        for (let hop = 0; hop < 50; hop++) await null
        seen.push('promise')
      })()
    }, 10)
    clock.setTimeout(() => seen.push('timer'), 10)
    await clock.advance(10)
    expect(seen).toEqual(['promise', 'timer'])
  })

  it('lets a reconnecting-websocket dial at exactly the requested time', async () => {
    const clock = createSimulatedClock()
    const dialled: number[] = []
    class Socket extends EventTarget {
      static readonly CLOSING = 2
      constructor() {
        super()
        dialled.push(clock.monotonic())
      }
      close() {}
    }
    const sockets: { close(): void }[] = []
    for (const at of [10, 11, 40])
      clock.setTimeout(
        () => void sockets.push(new ReconnectingWebSocket('ws://x', [], { WebSocket: Socket, maxRetries: 0 })),
        at,
      )
    await clock.advance(100)
    expect(dialled).toEqual([10, 11, 40])
    for (const socket of sockets) socket.close()
  })

  it('does not run cancelled timers, and runs overlapping advances one after the other', async () => {
    const clock = createSimulatedClock()
    const seen: number[] = []
    const cancel = clock.setTimeout(() => seen.push(-1), 5)
    clock.setTimeout(() => seen.push(clock.monotonic()), 15)
    cancel()
    cancel()
    await Promise.all([clock.advance(10), clock.advance(10)])
    expect(seen).toEqual([15])
    expect(clock.monotonic()).toBe(20)
    expect(clock.next()).toBeNull()
  })

  it('reports a timer that threw after the others have run', async () => {
    const clock = createSimulatedClock()
    let ran = false
    clock.setTimeout(() => {
      throw new Error('thrown by a timer')
    }, 1)
    clock.setTimeout(() => (ran = true), 2)
    await expect(clock.advance(5)).rejects.toThrow('thrown by a timer')
    expect([ran, clock.monotonic()]).toEqual([true, 5])
    await clock.advance(1)
  })

  it('ends an endless loop of zero timers with an error', async () => {
    const clock = createSimulatedClock()
    const again = () => void clock.setTimeout(again, 0)
    again()
    await expect(clock.advance(1)).rejects.toThrow('without time passing')
  })

  it('reports fake timers instead of waiting for a timer that never fires', async () => {
    vi.useFakeTimers()
    try {
      await expect(createSimulatedClock().advance(1)).rejects.toThrow(/real timers/)
    } finally {
      vi.useRealTimers()
    }
    await createSimulatedClock().advance(1)
  })

  it('reports timers that node:test has faked', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      await expect(createSimulatedClock().advance(1)).rejects.toThrow('mock.timers.reset()')
    } finally {
      mock.timers.reset()
    }
    await createSimulatedClock().advance(1)
  })

  it.each([NaN, Infinity, undefined as never])(
    'refuses to advance by %s ms, for which a test would wait forever',
    async (ms) => {
      const clock = createSimulatedClock()
      await expect(clock.advance(ms)).rejects.toThrow(/takes milliseconds, and not/)
      for (const set of [clock.sleep, clock.setWall]) expect(() => set(ms)).toThrow(/takes milliseconds, and not/)
      await clock.advance(5)
      expect([clock.monotonic(), Number.isFinite(clock.now())]).toEqual([5, true])
    },
  )

  it('paints every 16 ms', async () => {
    const clock = createSimulatedClock()
    const painted: number[] = []
    const paint = () => {
      painted.push(clock.monotonic())
      clock.frame(paint)
    }
    await clock.advance(3)
    clock.frame(paint)
    await clock.advance(50)
    expect(painted).toEqual([16, 32, 48])
  })

  it('distinguishes sleep and a changed clock from time that passed', async () => {
    const clock = createSimulatedClock(1_000)
    const start = instant(clock)
    let ran = false
    clock.setTimeout(() => (ran = true), 50)
    clock.sleep(10_000)
    expect([clock.now(), clock.monotonic(), ran, since(clock, start)]).toEqual([11_000, 0, false, 10_000])
    clock.setWall(500)
    await clock.advance(50)
    expect([clock.now(), clock.monotonic(), ran, since(clock, start)]).toEqual([550, 50, true, 50])
  })
})

describe('seeded random', () => {
  it('gives the same numbers for the same seed, spread over [0, 1)', () => {
    const draw = (seed: number) => Array.from({ length: 10_000 }, seededRandom(seed))
    const numbers = draw(7)
    expect(draw(7)).toEqual(numbers)
    expect(draw(8)).not.toEqual(numbers)
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
    expect(numbers.reduce((sum, number) => sum + number, 0) / 10_000).toBeCloseTo(0.5, 1)
  })
})
