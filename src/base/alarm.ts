import { type Clock, instant, since, type Instant } from './clock.js'

/** One moment to come. A timer that runs late (a hidden tab, sleep) does not move it: `check` looks again. */
export interface Alarm {
  /** Milliseconds from now; the moment set before, if any, is off. */
  set(delay: number): void
  clear(): void
  /** Rings at once if the moment has passed. Called at every arriving frame: frames are never throttled, timers are. */
  check(): void
  /** Milliseconds to go; null when nothing is set. */
  readonly left: number | null
}

export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let moment: { start: Instant; delay: number; cancel: () => void } | null = null
  const clear = () => {
    moment?.cancel()
    moment = null
  }
  const now = () => {
    clear()
    ring()
  }
  return {
    set(delay) {
      clear()
      moment = { start: instant(clock), delay, cancel: clock.setTimeout(now, delay) }
    },
    clear,
    check() {
      if (moment && since(clock, moment.start) >= moment.delay) now()
    },
    get left() {
      return moment && Math.max(0, moment.delay - since(clock, moment.start))
    },
  }
}
