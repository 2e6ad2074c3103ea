/**
 * When the next one of a row may go, so that no window of one second ever holds more than `rate` of them, rounded up.
 */
export interface DrainRate {
  /** Milliseconds until the next one may go; 0 when it may go now. */
  wait(): number
  /** One goes now. */
  took(): void
}

/**
 * What is asked at an even pace arrives in bunches, made by whatever holds it up on its way: of the rate that those who
 * take the legs can carry in any second so much is made use of.
 */
const EVEN = 0.96

/** So many a second are asked, where no more than `rate` a second are to arrive. */
export function askingRate(rate: number): number {
  return rate * EVEN
}

/** While it catches up, so much of a second's legs go in a tenth of a second: a twentieth above the even pace. */
const SLICE = 2 / 19

/**
 * Evenly: one every `1000 / rate` milliseconds. After a delay it catches up, but neither at the price of the rate nor
 * at once: what a machine that stood still for half a second owes would go as one wave, and come again as one wave
 * every second.
 *
 * @param rate per second, above 0.
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
