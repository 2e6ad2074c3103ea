import type { Clock } from '../../src/base/clock.js'

/**
 * A clock that advances only when the world says so, one timer at a time. Unlike `test/kit/step-clock.ts` it removes a
 * cancelled timer at once and keeps the others in order, so that two worlds which differ in nothing else are in the
 * same state.
 */
export interface WorldClock extends Clock {
  /** How many timers are set. */
  pending(): number
  /** Milliseconds until the next timer is due, or null if there is none. */
  next(): number | null
  /** Advances to the next timer and runs it. */
  runNext(): void
  /** Runs zero timers, which are due without time passing. */
  runDue(): boolean
}

/** The start values of the two clocks. They are so large that no other number is taken for a time. */
export const START = 1_893_456_000_000
export const BEGAN = 5_000_000_000
const FRAME = 16

export function createWorldClock(): WorldClock {
  interface Timer {
    readonly due: number
    readonly order: number
    readonly task: () => void
  }
  let elapsed = BEGAN
  let order = 0
  /**
   * The timers in reverse order, the next one last: there are few, and most new ones are due after the existing ones.
   */
  const timers: Timer[] = []

  function set(task: () => void, delay: number) {
    const timer = { due: elapsed + Math.max(0, delay), order: order++, task }
    let at = timers.length
    while (at > 0 && timers[at - 1]!.due <= timer.due) at--
    timers.splice(at, 0, timer)
    return () => {
      const where = timers.indexOf(timer)
      if (where >= 0) timers.splice(where, 1)
    }
  }

  return {
    now: () => START + elapsed - BEGAN,
    monotonic: () => elapsed,
    setTimeout: set,
    settled: (task) => set(task, 0),
    frame: (task) => set(task, FRAME),
    pending: () => timers.length,
    next: () => (timers.length === 0 ? null : timers.at(-1)!.due - elapsed),
    runNext() {
      const timer = timers.pop()!
      elapsed = Math.max(elapsed, timer.due)
      timer.task()
    },
    runDue() {
      if (timers.length === 0 || timers.at(-1)!.due > elapsed) return false
      timers.pop()!.task()
      return true
    },
  }
}
