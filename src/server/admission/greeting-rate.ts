/** How many greetings a second there is room for. */
export interface GreetingRate {
  /** A greeting has ended with a decision; `of` were under way when it began, including itself. */
  ended(greeting: { readonly of: number; readonly took: number }): void
  /** Null while nothing was measured lately. */
  readonly perSecond: number | null
  /** Milliseconds for which it has been measured without a pause: a rate of a moment says little about a minute. */
  readonly measuredFor: number
}

/** With each new measurement, the share that the earlier ones keep. */
const KEPT = 15 / 16
/** Fewer measurements than this say little. */
const FEW = 8
/** Milliseconds after which a measurement is outdated. */
const PAST = 10_000

/**
 * Measures by Little's law: if n are under way and each takes t, n/t end in a second. One greeting is enough for a
 * first guess, and it does not matter whether they end one by one or in bunches.
 *
 * @param now monotonic milliseconds.
 */
export function createGreetingRate(now: () => number): GreetingRate {
  let count = 0
  let underWay = 0
  let time = 0
  let from = 0
  let at = Number.NEGATIVE_INFINITY

  return {
    ended({ of, took }) {
      if (now() - at > PAST) {
        count = underWay = time = 0
        from = now()
      }
      at = now()
      count++
      underWay = underWay * KEPT + of
      time = time * KEPT + took
    },
    get perSecond() {
      return count < FEW || time === 0 || now() - at > PAST ? null : (underWay / time) * 1_000
    },
    get measuredFor() {
      return now() - at > PAST ? 0 : at - from
    },
  }
}
