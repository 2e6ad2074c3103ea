/**
 * Decides when the next leg may be asked, so that no window of one second ever contains more than `rate` of them,
 * rounded up.
 */
export interface DrainRate {
  /** Milliseconds until the next one may be asked; 0 if it may be asked now. */
  wait(): number
  /** One is asked now. */
  took(): void
}

/**
 * Requests sent at an even rate arrive in bunches, formed by whatever delays them on their way. So only this share is
 * used of the rate that the servers taking the legs can carry in any second.
 */
const EVEN = 0.96

/** The number to ask a second, so that at most `rate` a second arrive. */
export function askingRate(rate: number): number {
  return rate * EVEN
}

/** While it catches up, a tenth of a second carries this share of a second's legs: a twentieth above the even rate. */
const SLICE = 2 / 19

/**
 * Asks evenly: one every `1000 / rate` milliseconds. After a delay it catches up, but neither beyond the rate nor at
 * once: what a machine owes that stood still for half a second would leave as one wave, and return as one wave every
 * second.
 *
 * @param rate legs a second, above 0.
 */
export function createDrainRate(rate: number, now: () => number): DrainRate {
  const size = Math.ceil(rate)
  const slice = Math.ceil(size * SLICE)
  const window = Math.max(1, 1 / rate) * 1_000
  const recent: number[] = []
  const begun = now()
  let count = 0
  return {
    wait() {
      const even = begun + (count / rate) * 1_000
      const secondAgo = count < size ? -Infinity : recent[count % size]! + window
      const sliceAgo = count < slice ? -Infinity : recent[(count - slice) % size]! + window / 10
      return Math.max(0, Math.max(even, secondAgo, sliceAgo) - now())
    },
    took() {
      recent[count % size] = now()
      count++
    },
  }
}
