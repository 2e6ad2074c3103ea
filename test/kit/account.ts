/**
 * The numbers that one reader received from one writer, which counts up from 1 without holes. It judges lost, repeated
 * and reordered messages wherever real clients are watched: in the demo and its page, in stories, benchmarks and tests.
 * It uses numbers alone, works in Node and in pages, and its memory grows only with the number of faults.
 *
 * Others judge in their own way. `livesocket/testing` compares each message with the log of its simulation, and
 * `test/prove/judge.ts` with a model's log, because there positions, epochs and gaps are under test. `demo/page/react`
 * counts in a reducer, since the page shows that, and `bench/runtimes` in a script that has only the packed package.
 */
export interface Account {
  /** Records number `n`. Returns whether it was the expected one. */
  arrived(n: number): 'next' | 'reordered' | 'repeated'
  /** The first number that is expected, or null while it is not known and nothing has arrived. */
  readonly first: number | null
  /** The greatest number that arrived, or one less than the first expected one if none did. */
  readonly newest: number
  /** How many numbers arrived, including repeated ones. */
  readonly delivered: number
  readonly repeated: number
  /** Numbers that arrived for the first time after a greater one. */
  readonly reordered: number
  /** How many numbers up to `last` did not arrive. */
  lost(last: number): number
  /** The numbers up to `last` that did not arrive, in order. */
  missing(last: number): number[]
}

/**
 * @param from the first number that is expected. Default: the smallest number that arrives; then nothing counts as lost
 * before something has arrived.
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

/** The account of one reader as plain data. It equals `BALANCED` if nothing is wrong. */
export interface Balance {
  readonly lost: readonly number[]
  readonly repeated: readonly number[]
  readonly reordered: readonly number[]
}

export const BALANCED: Balance = { lost: [], repeated: [], reordered: [] }

/** The balance for numbers in their order of arrival, where everything up to `published` should arrive. */
export function balanceOf(received: readonly number[], published: number): Balance {
  // A reader that received nothing has lost everything.
  const account = createAccount(received.length > 0 ? undefined : 1)
  const wrong = { repeated: [] as number[], reordered: [] as number[] }
  for (const n of received) {
    const was = account.arrived(n)
    if (was !== 'next') wrong[was].push(n)
  }
  return { lost: account.missing(published), ...wrong }
}
