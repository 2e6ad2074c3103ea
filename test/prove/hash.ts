/** 64 bits, as two numbers. */
export type Hash = readonly [one: number, two: number]

/** Hashes 32-bit integers one after the other, as MurmurHash3 does: twice, with different factors. */
export class Hasher {
  #one = 1
  #two = 2

  add(value: number) {
    this.addEach(value, value)
  }

  addEach(one: number, two: number) {
    this.#one = mixed(this.#one, one, 0xcc9e2d51, 0x1b873593)
    this.#two = mixed(this.#two, two, 0x239b961b, 0xab0e9789)
  }

  get hash(): Hash {
    return [this.#one, this.#two]
  }
}

export function textOf([one, two]: Hash): string {
  return `${(one >>> 0).toString(36)}.${(two >>> 0).toString(36)}`
}

function mixed(hash: number, value: number, first: number, second: number): number {
  let mix = Math.imul(value, first)
  mix = Math.imul((mix << 15) | (mix >>> 17), second) ^ hash
  return (Math.imul((mix << 13) | (mix >>> 19), 5) + 0xe6546b64) | 0
}
