/**
 * What one reader was given of the numbers that one writer counts up from 1 without holes. It is the judge of lost,
 * repeated and reordered wherever real clients are watched: in the demo and its page, in stories, benchmarks and tests.
 * It looks at numbers alone, in Node and in pages, and remembers as much as there is trouble.
 *
 * Three others judge for themselves. `livesocket/testing` holds each message against the log of its simulation, and
 * `test/prove/judge.ts` against a model's: there positions, epochs and gaps are what is tried. `demo/page/react` counts
 * in a reducer, since that is what the page shows, and `bench/runtimes` in a script that has only the packed package.
 */
export interface Account {
  /** Number `n` came, and whether it was one that was to come. */
  arrived(n: number): 'next' | 'reordered' | 'repeated'
  /** The first one that is expected; null before anything came where no first one is known. */
  readonly first: number | null
  /** The greatest that came; one less than the first expected where none did. */
  readonly newest: number
  /** How many came, the repeated ones included. */
  readonly delivered: number
  readonly repeated: number
  /** Came after a greater one, for the first time. */
  readonly reordered: number
  /** How many of those up to `last` did not come. */
  lost(last: number): number
  /** Which ones, in their order. */
  missing(last: number): number[]
}

/**
 * @param from the first number that is to come. Default: the least one that does, and then nothing is lost before
 *   anything has come.
 */
export function createAccount(from?: number): Account {
  const holes = new Set<number>()
  let first = from ?? null
  let newest = from === undefined ? 0 : from - 1
  let [delivered, repeated, reordered] = [0, 0, 0]

  function expectFrom(n: number, before: number) {
    for (let hole = n; hole < before; hole++) holes.add(hole)
  }

  return {
    arrived(n) {
      delivered++
      if (first === null) {
        first = n
        newest = n - 1
      }
      if (n > newest) {
        expectFrom(newest + 1, n)
        newest = n
        return 'next'
      }
      if (n < first) {
        expectFrom(n + 1, first)
        first = n
      } else if (!holes.delete(n)) {
        repeated++
        return 'repeated'
      }
      reordered++
      return 'reordered'
    },
    get first() {
      return first
    },
    get newest() {
      return newest
    },
    get delivered() {
      return delivered
    },
    get repeated() {
      return repeated
    },
    get reordered() {
      return reordered
    },
    lost(last) {
      if (first === null) return 0
      let count = Math.max(0, last - newest)
      if (last >= newest) count += holes.size
      else for (const hole of holes) if (hole <= last) count++
      return count
    },
    missing(last) {
      if (first === null) return []
      const found = [...holes].filter((hole) => hole <= last).sort((a, b) => a - b)
      for (let n = newest + 1; n <= last; n++) found.push(n)
      return found
    },
  }
}

/** Of one reader, as plain data: nothing is wrong where it is `BALANCED`. */
export interface Balance {
  readonly lost: readonly number[]
  readonly repeated: readonly number[]
  readonly reordered: readonly number[]
}

export const BALANCED: Balance = { lost: [], repeated: [], reordered: [] }

/** Of numbers in the order in which they came, where everything up to `published` was to come. */
export function balanceOf(received: readonly number[], published: number): Balance {
  // Who was given nothing has lost everything.
  const account = createAccount(received.length > 0 ? undefined : 1)
  const wrong = { repeated: [] as number[], reordered: [] as number[] }
  for (const n of received) {
    const was = account.arrived(n)
    if (was !== 'next') wrong[was].push(n)
  }
  return { lost: account.missing(published), ...wrong }
}
