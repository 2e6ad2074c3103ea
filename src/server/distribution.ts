/** How long something took, over all times: how often up to each bound. */
export interface Distribution {
  /** Milliseconds, rising. */
  readonly bounds: readonly number[]
  /** How often it took up to that bound, and more than the bound before it; at the end, more than all of them. */
  readonly counts: readonly number[]
  /** Milliseconds of all together. */
  readonly sum: number
  readonly count: number
}

/** From a round trip within a machine to the longest deadline of a drain. */
const BOUNDS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000]

export class Durations {
  readonly #counts = new Array<number>(BOUNDS.length + 1).fill(0)
  #sum = 0
  #count = 0

  /** One more, ms. */
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
