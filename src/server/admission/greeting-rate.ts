/** How many greetings a second there is room for. */
export interface GreetingRate {
  /** One has ended with a verdict, `of` so many that were under way when it began, itself included. */
  ended(greeting: { readonly of: number; readonly took: number }): void
  /** Null as long as nothing was measured lately. */
  readonly perSecond: number | null
  /** For how long it has been measured without a pause, ms: what holds for a moment tells little of a minute. */
  readonly measuredFor: number
}

/** Of each new measurement, the part that those before it keep. */
const KEPT = 15 / 16
/** Fewer say little. */
const FEW = 8
/** Milliseconds after which what was measured is past. */
const PAST = 10_000

/**
 * By Little's law: where n are under way and each takes t, there are n/t in a second. So one greeting is enough for a
 * first guess, and it does not matter whether they end one by one or in bunches.
 *
 * @param now milliseconds that never go back.
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
