import type { Numbered } from '../../../test/kit/publisher.js'

/** How the feed arrived, according to its numbers. */
export interface Tally {
  readonly delivered: number
  readonly lost: number
  readonly repeated: number
  readonly last: number | null
}

export const noTally: Tally = { delivered: 0, lost: 0, repeated: 0, last: null }

/** Every message goes through this reducer, once and in order, outside React. */
export function tally({ delivered, lost, repeated, last }: Tally, { n }: Pick<Numbered, 'n'>): Tally {
  const late = last !== null && n <= last
  return {
    delivered: delivered + 1,
    lost: last === null || late ? lost : lost + (n - last - 1),
    repeated: late ? repeated + 1 : repeated,
    last: late ? last : n,
  }
}
