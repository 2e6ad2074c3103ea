import type { Clock } from '../../src/base/clock.js'

export interface QueueClock extends Clock {
  advance(ms: number): void
  /** Timers that are set. */
  readonly pending: number
}

/** Runs timers when it is moved, at once and without a promise: for worlds that are played by the thousand. */
export function createQueueClock(): QueueClock {
  let now = 0
  const timers = new Set<{ readonly due: number; readonly task: () => void }>()
  const set = (task: () => void, delay: number) => {
    const timer = { due: now + delay, task }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  return {
    now: () => now,
    monotonic: () => now,
    setTimeout: set,
    frame: (task) => set(task, 16),
    advance(ms) {
      const end = now + ms
      for (;;) {
        const next = [...timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0]
        if (!next) break
        now = Math.max(now, next.due)
        timers.delete(next)
        next.task()
      }
      now = end
    },
    get pending() {
      return timers.size
    },
  }
}
