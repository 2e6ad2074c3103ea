import type { Clock } from '../../base/clock.js'

/**
 * Due times that all lie equally far ahead when they are set, and so fall due in the order in which they were set. One
 * timer serves them all.
 */
export interface Deadlines<Of> {
  /** Starts its time from now; an earlier due time of it is dropped. */
  set(of: Of): void
  clear(of: Of): void
}

/** @param ahead milliseconds. */
export function createDeadlines<Of>(clock: Clock, ahead: number, ring: (of: Of) => void): Deadlines<Of> {
  /** The next due first. */
  const dueTimes = new Map<Of, number>()
  let cancel: (() => void) | null = null

  function arm() {
    cancel?.()
    const [first] = dueTimes.values()
    cancel = first === undefined ? null : clock.setTimeout(look, Math.max(0, first - clock.monotonic()))
  }

  function look() {
    const now = clock.monotonic()
    for (const [of, moment] of dueTimes) {
      if (moment > now) break
      dueTimes.delete(of)
      ring(of)
    }
    arm()
  }

  return {
    set(of) {
      dueTimes.delete(of)
      dueTimes.set(of, clock.monotonic() + ahead)
      if (!cancel) arm()
    },
    clear(of) {
      if (!dueTimes.delete(of) || dueTimes.size > 0) return
      cancel?.()
      cancel = null
    },
  }
}
