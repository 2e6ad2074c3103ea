import type { Clock } from '../base/clock.js'

/** A process that is late by more than this, ms, stood still: stopped, swapped out, or busy with one thing. */
const LATE = 500
/** For so long after that, ms, nobody is judged: what came meanwhile has to be read, and what it asks for be asked for. */
const SPARED = 2_000

/**
 * A clock for timers by which somebody else is found to be late. Their time is over only when what has arrived meanwhile has been read,
 * for it may be this process that did not listen.
 */
export function createPatientClock(clock: Clock): Clock {
  let sparedUntil = -Infinity
  return {
    ...clock,
    setTimeout(task, delay) {
      const due = clock.monotonic() + Math.max(0, delay)
      const ring = () => {
        const now = clock.monotonic()
        if (now - due > LATE) sparedUntil = now + SPARED
        // Timers come before sockets: one turn of the event loop, in which all that has arrived is read.
        cancel = clock.setTimeout(last, 0)
      }
      const last = () => {
        const spared = sparedUntil - clock.monotonic()
        if (spared <= 0) return task()
        cancel = clock.setTimeout(task, spared)
      }
      let cancel = clock.setTimeout(ring, delay)
      return () => cancel()
    },
  }
}
