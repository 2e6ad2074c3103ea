import type { Clock } from '../../base/clock.js'

/** A process that is late by more than this, ms, stood still: stopped, swapped out, or busy with one thing. */
const LATE = 500
/** For so long after that, ms, nobody is judged. */
const SPARED = 2_000

/**
 * A clock for timers by which somebody else is found to be late, when it may be this process that did not listen. The
 * system's clock reads what has arrived before it rings late. That is not enough where one thing asks for the next: who
 * it is, and then what the log says.
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
