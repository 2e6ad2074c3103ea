/** Whoever waits, and from which address. */
export interface Waits {
  readonly address: string
}

/**
 * Those who wait for their turn, one of each address after the other: an address with many in the line waits for itself,
 * and one with a single hello for no more than one of each other address. Where each has its own, or all have the same,
 * it is the order in which they came.
 */
export class WaitingLine<Waiter extends Waits> {
  /** The address whose turn it is comes first; of each, who came first. */
  readonly #byAddress = new Map<string, Set<Waiter>>()
  /** How many addresses have more than so many in the line. */
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

  /** Takes whose turn it is out of the line. */
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

  /** How many would be before one more of that address, at the most. */
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
   * The one who came last of the address with most in the line, if that is more than that address would have with one
   * more: who could yield to it.
   */
  heaviest(address: string): Waiter | undefined {
    const most = this.#haveMore.length
    if (most < (this.#byAddress.get(address)?.size ?? 0) + 2) return undefined
    for (const own of this.#byAddress.values()) if (own.size === most) return [...own].at(-1)
    return undefined
  }
}
