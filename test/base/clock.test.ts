import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Clock, instant, Present, since, systemClock } from '../../src/base/clock.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

const DAY = 24 * 3600_000

describe('time since a moment', () => {
  it('is what has passed', async () => {
    const clock = createSimulatedClock()
    const start = instant(clock)
    await clock.advance(1_500)
    expect(since(clock, start)).toBe(1_500)
  })

  it('includes the sleep that the monotonic clock missed', () => {
    const clock = createSimulatedClock()
    const start = instant(clock)
    clock.sleep(8 * 3600_000)
    expect(since(clock, start)).toBe(8 * 3600_000)
  })

  it('is never shortened or negative when the wall clock is set back', async () => {
    const clock = createSimulatedClock()
    const start = instant(clock)
    clock.setWall(0)
    expect(since(clock, start)).toBe(0)
    await clock.advance(1_500)
    expect(since(clock, start)).toBe(1_500)
  })
})

describe('the system clock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('waits even longer than the 24.8 days that a timer can count', () => {
    const task = vi.fn()
    systemClock.setTimeout(task, 60 * DAY)
    vi.advanceTimersByTime(60 * DAY - 1)
    expect(task).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(task).toHaveBeenCalledOnce()
  })

  it('forgets a task that is cancelled, at once or after the first of several timers', () => {
    const task = vi.fn()
    systemClock.setTimeout(task, 10)()
    const undo = systemClock.setTimeout(task, 60 * DAY)
    vi.advanceTimersByTime(30 * DAY)
    undo()
    vi.advanceTimersByTime(60 * DAY)
    expect(task).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([-5, NaN])('treats a delay of %s as none', (delay) => {
    const task = vi.fn()
    systemClock.setTimeout(task, delay)
    vi.advanceTimersByTime(1)
    expect(task).toHaveBeenCalledOnce()
  })

  it('runs a frame by a timer if nothing is painted', () => {
    const task = vi.fn()
    systemClock.frame(task)
    vi.advanceTimersByTime(16)
    expect(task).toHaveBeenCalledOnce()
  })

  it('runs a frame once, by the paint or, if that does not come, by a timer, and cancels both', () => {
    const paints: (() => void)[] = []
    vi.stubGlobal('document', { hidden: false })
    vi.stubGlobal('requestAnimationFrame', (paint: () => void) => paints.push(paint))
    vi.stubGlobal('cancelAnimationFrame', (id: number) => void (paints[id - 1] = () => {}))

    const painted = vi.fn()
    systemClock.frame(painted)
    paints[0]!()
    vi.advanceTimersByTime(1_000)
    expect(painted).toHaveBeenCalledOnce()

    const hidden = vi.fn()
    systemClock.frame(hidden)
    vi.advanceTimersByTime(250)
    paints[1]!()
    expect(hidden).toHaveBeenCalledOnce()

    const undone = vi.fn()
    systemClock.frame(undone)()
    paints[2]!()
    vi.advanceTimersByTime(1_000)
    expect(undone).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('still runs frames after a test that faked the timers left one waiting', async () => {
    systemClock.frame(() => undefined)
    vi.useRealTimers()
    await new Promise<void>((painted) => void systemClock.frame(painted))
  })

  it('runs all tasks of a frame together: new ones wait for the next frame, cancelled ones never run, and one that throws does not stop the others', () => {
    const paints: (() => void)[] = []
    vi.stubGlobal('document', { hidden: false })
    vi.stubGlobal('requestAnimationFrame', (paint: () => void) => paints.push(paint))
    vi.stubGlobal('cancelAnimationFrame', (id: number) => void (paints[id - 1] = () => {}))
    const ran: string[] = []
    systemClock.frame(() => {
      ran.push('a')
      undo()
      systemClock.frame(() => void ran.push('next'))
    })
    systemClock.frame(() => {
      throw new Error('of b')
    })
    const undo = systemClock.frame(() => void ran.push('cancelled'))
    systemClock.frame(() => void ran.push('d'))

    paints[0]!()
    expect(ran).toEqual(['a', 'd'])
    for (const paint of paints.splice(0)) paint()
    expect(ran).toEqual(['a', 'd', 'next'])
    expect(() => vi.advanceTimersByTime(1_000)).toThrow('of b')
    vi.advanceTimersByTime(1_000)
    expect(ran).toEqual(['a', 'd', 'next'])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the present moment', () => {
  const clockAt = (at: { wall: number; reads: number }, turn?: Clock['turn']): Clock => ({
    ...createSimulatedClock(),
    now: () => (at.reads++, at.wall),
    monotonic: () => at.wall,
    ...(turn && { turn }),
  })

  it('is read again at each look', () => {
    const at = { wall: 1, reads: 0 }
    const present = new Present(clockAt(at))
    for (const wall of [1, 1, 1, 2, 9]) {
      at.wall = wall
      expect(present.look()).toEqual({ wall, monotonic: wall })
    }
    expect(at.reads).toBe(5)
  })

  it('stays the same for frames that arrive together, until the code that brings them has returned', () => {
    const at = { wall: 1, reads: 0 }
    const returned: (() => void)[] = []
    const present = new Present(clockAt(at, (task) => void returned.push(task)))
    for (let frame = 0; frame < 100; frame++) present.look()
    expect(at.reads).toBe(2)
    at.wall = 7
    expect(present.look().wall).toBe(1)
    for (const task of returned.splice(0)) task()
    expect(present.look().wall).toBe(7)
    at.wall = 8
    expect(present.look().wall).toBe(8)
  })

  it('goes on under fake timers', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance', 'queueMicrotask', 'setTimeout'] })
    try {
      const present = new Present(systemClock)
      const first = present.look().wall
      for (let frame = 0; frame < 5; frame++) present.look()
      vi.setSystemTime(first + 5_000)
      await Promise.resolve()
      expect(present.look().wall).toBe(first + 5_000)
    } finally {
      vi.useRealTimers()
    }
  })
})
