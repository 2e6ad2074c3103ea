import type { Clock } from '../../src/base/clock.js'

/** A clock that stands still but for the next timer; frames never come. */
export function manualClock() {
  let now = 0
  const timers = new Set<{ at: number; task: () => void }>()
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimeout(task, delay) {
      const timer = { at: now + Math.max(0, delay), task }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    frame: () => () => undefined,
  }
  return {
    clock,
    due: () => timers.size > 0,
    runNext() {
      const first = [...timers].reduce((a, b) => (b.at < a.at ? b : a))
      timers.delete(first)
      now = first.at
      first.task()
    },
  }
}
