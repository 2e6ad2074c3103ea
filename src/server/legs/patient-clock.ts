import type { Clock } from '../../base/clock.js'

/** Milliseconds. A process that is later than this stood still: it was stopped, swapped out, or blocked by one task. */
const LATE = 500
/** Milliseconds after that in which nobody is judged late. */
const SPARED = 2_000

/**
 * A clock for timers that find somebody else late, when it may be this process that did not listen. The system's clock
 * reads what has arrived before it fires a late timer. That is not enough if one question follows another: who it is,
 * and then what the log says.
 */
export function createPatientClock(clock: Clock): Clock {
  let sparedUntil = -Infinity
  return {
    ...clock,
    setTimeout(task, delay) {
      const due = clock.monotonic() + Math.max(0, delay)
      let cancel = clock.setTimeout(() => {
        const now = clock.monotonic()
        if (now - due > LATE) sparedUntil = now + SPARED
        if (sparedUntil > now) cancel = clock.setTimeout(task, sparedUntil - now)
        else task()
      }, delay)
      return () => cancel()
    },
  }
}
