import { type Clock, instant, since, STOOD_STILL, type Instant } from './clock.js'

/** One moment to come. A timer that runs late (a hidden tab, sleep) does not move it: `check` looks again. */
export interface Alarm {
  /** Milliseconds from now; the moment set before, if any, is off. */
  set(delay: number): void
  clear(): void
  /**
   * Rings if the moment has passed: at once, or, where it passed so long ago that the program must have stood still,
   * when what has arrived meanwhile has been heard. Called at every arriving frame: frames are never throttled, timers
   * are.
   */
  check(): void
  /** Milliseconds to go; null when nothing is set. */
  readonly left: number | null
}

export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let moment: { start: Instant; delay: number; ringing: boolean; cancel: () => void } | null = null
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
      moment = { start: instant(clock), delay, ringing: false, cancel: clock.setTimeout(now, delay) }
    },
    clear,
    check() {
      if (!moment || moment.ringing) return
      const late = since(clock, moment.start) - moment.delay
      if (late < 0) return
      if (late < STOOD_STILL || !clock.settled) return now()
      moment.cancel()
      moment.ringing = true
      moment.cancel = clock.settled(now)
    },
    get left() {
      return moment && Math.max(0, moment.delay - since(clock, moment.start))
    },
  }
}
