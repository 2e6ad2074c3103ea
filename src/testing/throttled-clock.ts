import type { Clock } from '../base/clock.js'

/** The clock of a page. Its timers run late while the page is hidden. */
export interface ThrottledClock extends Clock {
  /** From now on timers run only at whole multiples of `every` milliseconds; with 0 they run when they are due. */
  throttle(every: number): void
}

export function createThrottledClock(clock: Clock): ThrottledClock {
  interface Timer {
    readonly due: number
    readonly task: () => void
    cancel: () => void
  }
  const timers = new Set<Timer>()
  let every = 0

  function arm(timer: Timer) {
    const at = every > 0 ? Math.ceil(timer.due / every) * every : timer.due
    timer.cancel = clock.setTimeout(() => {
      timers.delete(timer)
      timer.task()
    }, at - clock.monotonic())
  }

  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    settled: (task) => clock.settled?.(task) ?? clock.setTimeout(task, 0),
    frame: (task) => clock.frame(task),
    setTimeout(task, delay) {
      const timer: Timer = { due: clock.monotonic() + Math.max(0, delay), task, cancel: () => undefined }
      timers.add(timer)
      arm(timer)
      return () => {
        timers.delete(timer)
        timer.cancel()
      }
    },
    throttle(next) {
      every = next
      for (const timer of timers) timer.cancel()
      for (const timer of [...timers].sort((a, b) => a.due - b.due)) arm(timer)
    },
  }
}
