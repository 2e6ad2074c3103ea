/** When the next one of a row may go, so that no window of one second ever holds more than `rate` of them, rounded up. */
export interface Pace {
  /** Milliseconds until the next one may go; 0 when it may go now. */
  wait(): number
  /** One goes now. */
  took(): void
}

/**
 * Evenly: one every `1000 / rate` milliseconds. After a delay it catches up, but not at the price of the rate: a machine that
 * stood still for half a second must not let half a second's legs go at once on top of the next ones.
 *
 * @param rate per second, above 0.
 */
export function createPace(rate: number, now: () => number): Pace {
  const size = Math.ceil(rate)
  const window = Math.max(1, 1 / rate) * 1_000
  const recent: number[] = []
  const begun = now()
  let count = 0
  return {
    wait() {
      const even = begun + (count / rate) * 1_000
      const oldest = recent[count % size]
      const allowed = oldest === undefined ? even : Math.max(even, oldest + window)
      return Math.max(0, allowed - now())
    },
    took() {
      recent[count % size] = now()
      count++
    },
  }
}
