import type { Clock } from '../../base/clock.js'

/**
 * Moments that all lie equally far ahead when they are set, and so come in the order in which they were set: one timer
 * serves them all.
 */
export interface Deadlines<Of> {
  /** From now on; what was set for it before is off. */
  set(of: Of): void
  clear(of: Of): void
}

/** @param ahead milliseconds. */
export function createDeadlines<Of>(clock: Clock, ahead: number, ring: (of: Of) => void): Deadlines<Of> {
  /** The first to come first. */
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
