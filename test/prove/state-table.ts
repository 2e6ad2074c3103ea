import type { Hash } from './hash.js'

/** Stores one number for each of many states: a map of a million would be a million objects, this is three arrays. */
export class StateTable {
  readonly #unmet: number
  /** A power of two of slots. A state is in the first free slot after the one that its hash points to. */
  #ones = new Int32Array(FIRST)
  #twos = new Int32Array(FIRST)
  #numbers = new Int32Array(FIRST)
  #taken = new Uint8Array(FIRST)
  #size = 0

  /** `unmet`: the number for a state that was not met yet. */
  constructor(unmet: number) {
    this.#unmet = unmet
  }

  get size(): number {
    return this.#size
  }

  get(state: Hash): number {
    const slot = this.#slot(state)
    return this.#taken[slot] ? this.#numbers[slot]! : this.#unmet
  }

  set(state: Hash, number: number) {
    const slot = this.#slot(state)
    this.#numbers[slot] = number
    if (this.#taken[slot]) return
    this.#take(slot, state)
    this.#size++
    if (this.#size * 2 > this.#taken.length) this.#grow()
  }

  #slot([one, two]: Hash): number {
    const last = this.#taken.length - 1
    let slot = one & last
    while (this.#taken[slot] && (this.#ones[slot] !== one || this.#twos[slot] !== two)) slot = (slot + 1) & last
    return slot
  }

  #take(slot: number, [one, two]: Hash) {
    this.#taken[slot] = 1
    this.#ones[slot] = one
    this.#twos[slot] = two
  }

  #grow() {
    const { length } = this.#taken
    const [ones, twos, numbers, taken] = [this.#ones, this.#twos, this.#numbers, this.#taken]
    this.#ones = new Int32Array(length * 2)
    this.#twos = new Int32Array(length * 2)
    this.#numbers = new Int32Array(length * 2)
    this.#taken = new Uint8Array(length * 2)
    for (let from = 0; from < length; from++) {
      if (!taken[from]) continue
      const state = [ones[from]!, twos[from]!] as const
      const slot = this.#slot(state)
      this.#take(slot, state)
      this.#numbers[slot] = numbers[from]!
    }
  }
}

const FIRST = 1 << 16
