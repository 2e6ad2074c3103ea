/** What a page was given, held against what was published: 1, 2, 3, … up to `published`. */
export interface Account {
  readonly lost: readonly number[]
  readonly duplicated: readonly number[]
  readonly reordered: readonly number[]
}

export const BALANCED: Account = { lost: [], duplicated: [], reordered: [] }

/** From the first one that was received on; an empty account has lost everything. */
export function accountOf(received: readonly number[], published: number): Account {
  const seen = new Set<number>()
  const duplicated = received.filter((number) => seen.size === seen.add(number).size)
  const reordered = received.filter(
    (number, at) => at > 0 && number < received[at - 1]! && !duplicated.includes(number),
  )
  const first = received.length > 0 ? Math.min(...received) : 1
  const lost = Array.from({ length: published - first + 1 }, (_, at) => first + at).filter(
    (number) => !seen.has(number),
  )
  return { lost, duplicated, reordered }
}
