/** Somebody who waits, and the address. */
export interface Waits {
  readonly address: string
}

/**
 * A line in which the addresses take turns. An address with many in the line only delays itself, and one with a single
 * `hello` waits for at most one of each other address. If each has its own address, or all have the same, the order is
 * that of arrival.
 */
export class WaitingLine<Waiter extends Waits> {
  /** The address whose turn it is comes first; within an address, whoever came first. */
  readonly #byAddress = new Map<string, Set<Waiter>>()
  /** At index n: how many addresses have more than n in the line. */
  readonly #haveMore: number[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(waiter: Waiter): void {
    const own = this.#byAddress.get(waiter.address) ?? new Set<Waiter>()
    this.#haveMore[own.size] = (this.#haveMore[own.size] ?? 0) + 1
    own.add(waiter)
    this.#byAddress.set(waiter.address, own)
    this.#size++
  }

  delete(waiter: Waiter): void {
    const own = this.#byAddress.get(waiter.address)
    if (!own?.delete(waiter)) return
    if (own.size === 0) this.#byAddress.delete(waiter.address)
    if (--this.#haveMore[own.size]! === 0) this.#haveMore.length = own.size
    this.#size--
  }

  /** Removes and returns the one whose turn it is. */
  next(): Waiter | undefined {
    for (const [address, own] of this.#byAddress) {
      const [waiter] = own
      this.delete(waiter!)
      if (own.size > 0) {
        this.#byAddress.delete(address)
        this.#byAddress.set(address, own)
      }
      return waiter
    }
    return undefined
  }

  /** How many would be in front of one more of that address, at most. */
  before(address: string): number {
    const own = this.#byAddress.get(address)?.size ?? 0
    if (own + 1 >= this.#haveMore.length) return this.#size
    let before = 0
    for (let round = 0; round <= own; round++) before += this.#haveMore[round]!
    return before
  }

  /** All, in the order of their turns. */
  *inTurn(): Generator<Waiter> {
    let round = [...this.#byAddress.values()].map((own) => own.values())
    while (round.length > 0) {
      const more: typeof round = []
      for (const own of round) {
        const { value, done } = own.next()
        if (done) continue
        yield value
        more.push(own)
      }
      round = more
    }
  }

  /**
   * The last one of the address with the most in the line, if that is more than this address would have with one more.
   * It is the one that could yield.
   */
  heaviest(address: string): Waiter | undefined {
    const most = this.#haveMore.length
    if (most < (this.#byAddress.get(address)?.size ?? 0) + 2) return undefined
    for (const own of this.#byAddress.values()) if (own.size === most) return [...own].at(-1)
    return undefined
  }
}
