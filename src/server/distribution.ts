/** How long something took, as a histogram. */
export interface Distribution {
  /** The upper bounds in milliseconds, rising. */
  readonly bounds: readonly number[]
  /**
   * How many durations lie in each range: above the previous bound and up to this one. The last count is for those
   * above all bounds.
   */
  readonly counts: readonly number[]
  /** The sum of all durations in milliseconds. */
  readonly sum: number
  readonly count: number
}

/** From a round trip within one machine to the longest deadline of a drain. */
const BOUNDS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000]

export class Durations {
  readonly #counts = new Array<number>(BOUNDS.length + 1).fill(0)
  #sum = 0
  #count = 0

  /** Adds one duration, in milliseconds. */
  add(duration: number): void {
    let at = 0
    while (at < BOUNDS.length && duration > BOUNDS[at]!) at++
    this.#counts[at]!++
    this.#sum += duration
    this.#count++
  }

  get distribution(): Distribution {
    return { bounds: BOUNDS, counts: [...this.#counts], sum: this.#sum, count: this.#count }
  }
}
