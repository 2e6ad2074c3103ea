import { describe, expect, it, vi } from 'vitest'
import { createAlarm } from '../../src/base/alarm.js'
import { platformClock, systemClock } from '../../src/base/clock.js'
import { Deadlines } from '../../src/base/deadlines.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

function start() {
  const clock = createSimulatedClock()
  const deadlines = new Deadlines(clock)
  const rings: string[] = []
  const set = (name: string, delay: number) =>
    deadlines.setTimeout(() => void rings.push(`${name} at ${clock.monotonic()}`), delay)
  return { clock, deadlines, rings, set }
}

describe('the deadlines of one live socket', () => {
  it('ring in the order of their times, with one timer of the platform', async () => {
    const { clock, rings, set } = start()
    set('c', 300)
    set('a', 100)
    set('b', 200)
    set('b too', 200)
    expect(clock.pending).toBe(1)
    await clock.advance(250)
    expect(rings).toEqual(['a at 100', 'b at 200', 'b too at 200'])
    expect(clock.pending).toBe(1)
    await clock.advance(250)
    expect(rings.at(-1)).toBe('c at 300')
    expect(clock.pending).toBe(0)
  })

  it('keep no timer for cancelled ones', async () => {
    const { clock, rings, set } = start()
    const undo = set('a', 100)
    const other = set('b', 200)
    undo()
    undo()
    await clock.advance(150)
    other()
    expect(clock.pending).toBe(0)
    await clock.advance(1_000)
    expect(rings).toEqual([])
  })

  it('may be set and cancelled while others ring', async () => {
    const { clock, deadlines, rings, set } = start()
    deadlines.setTimeout(() => {
      set('next', 0)
      undo()
    }, 100)
    const undo = set('undone', 100)
    await clock.advance(100)
    expect(rings).toEqual(['next at 100'])
    expect(clock.pending).toBe(0)
  })

  it('ring even if an earlier one throws', async () => {
    const { clock, deadlines, rings, set } = start()
    deadlines.setTimeout(() => {
      throw new Error('of the first')
    }, 100)
    set('second', 100)
    await expect(clock.advance(200)).rejects.toThrow('of the first')
    expect(rings).toEqual(['second at 100'])
  })

  it('client rule 9: ring at a check when their timer is late, and then not again', async () => {
    const { clock, deadlines, rings, set } = start()
    set('a', 100)
    deadlines.ringDue()
    expect(rings).toEqual([])
    clock.sleep(100)
    deadlines.ringDue()
    deadlines.ringDue()
    await clock.advance(1_000)
    expect(rings).toEqual(['a at 0'])
  })

  it.each<[string, (deadlines: Deadlines) => void]>([
    ['looked at', (deadlines) => deadlines.ringDue()],
    ['rung by a timer', (deadlines) => void deadlines.setTimeout(() => undefined, 0)],
  ])(
    'client rule 9: late and %s, wait until arrived frames are read, and do not ring if those cancel them',
    async (_, wake) => {
      const { clock, deadlines, rings, set } = start()
      const undo = set('undone', 100)
      set('other', 100)
      clock.sleep(5_000)
      clock.setTimeout(undo, 0)
      wake(deadlines)
      deadlines.ringDue()
      expect(rings).toEqual([])
      await clock.flush()
      expect(rings).toEqual(['other at 0'])
      await clock.advance(1_000)
      expect([rings.length, clock.pending]).toEqual([1, 0])
    },
  )

  it('that are late and all cancelled by arrived frames leave nothing behind', async () => {
    const { clock, deadlines, rings, set } = start()
    const alarm = createAlarm(deadlines, () => rings.push('alarm'))
    alarm.set(100)
    clock.sleep(5_000)
    deadlines.ringDue()
    alarm.clear()
    expect(clock.pending).toBe(0)
    set('a', 300)
    await clock.advance(1_000)
    expect(rings).toEqual(['a at 300'])
  })

  it('are waited for past the 24.8 days that a timer can count', () => {
    vi.useFakeTimers()
    try {
      const rung = vi.fn()
      const sixtyDays = 60 * 24 * 3600_000
      new Deadlines(platformClock).setTimeout(rung, sixtyDays)
      vi.advanceTimersByTime(sixtyDays - 1)
      expect(rung).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(rung).toHaveBeenCalledOnce()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('wait for a timer that the platform rings early', async () => {
    const rings: number[] = []
    const start = performance.now()
    const deadlines = new Deadlines({
      ...systemClock,
      setTimeout: (task, delay) => systemClock.setTimeout(task, delay - 5),
    })
    await new Promise<void>(
      (resolve) => void deadlines.setTimeout(() => resolve(void rings.push(performance.now() - start)), 20),
    )
    // The wall clock has whole milliseconds.
    expect(rings[0]).toBeGreaterThanOrEqual(19)
  })
})
