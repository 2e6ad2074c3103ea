/**
 * How many hellos may be greeted at a time: what those who are asked for it (the identity service, the log) take before
 * they only queue. Found as TCP finds its window: it grows while greetings are quick, and shrinks once they are not.
 */
export interface GreetingLimit {
  /** A whole number from 1 on. */
  readonly value: number
  /** It does not double any more: what it lets through is what there is room for. */
  readonly found: boolean
  /**
   * One has ended.
   *
   * @param limited whether others waited for their turn meanwhile: a limit that nobody comes near teaches nothing.
   */
  ended(greeting: {
    readonly begunAt: number
    readonly took: number
    readonly failed: boolean
    readonly limited: boolean
  }): void
}

/** Where it begins. It doubles with each greeting's time as long as all is well. */
const FIRST = 10
/** An identity service that is away is tried by so many. */
const LEAST = 4
/** Milliseconds that a greeting may take, whatever it takes at best: less is no queue that anybody would notice. */
const QUICK = 1_000
/** A greeting that takes so many times what it takes at best has waited for others. */
const SLOWER = 2
const SHRINK = 0.8
/** Where the limit is half of what it was, and fewer than so much of them come through, there was no queue to shorten. */
const LESS = 0.7

/** @param most calls that may be under way, whatever they take. @param now milliseconds that never go back. */
export function createGreetingLimit(most: number, now: () => number): GreetingLimit {
  const least = Math.min(LEAST, most)
  let limit = Math.min(FIRST, most)
  /** Up to here it doubles; from here on it grows by one in each greeting's time. */
  let careful = most
  /** Milliseconds of a greeting that waits for nobody. */
  let best = Number.POSITIVE_INFINITY
  let shrunkAt = Number.NEGATIVE_INFINITY
  /** Where it began to shrink, and how many a second came through. */
  let from: { readonly limit: number; readonly perSecond: number } | null = null

  /** What fails is away, and not full: once it is back, it takes as much as it took. */
  function shrink(perSecond: number, failed: boolean) {
    shrunkAt = now()
    from ??= { limit, perSecond }
    limit = Math.max(least, limit * SHRINK)
    if (!failed) careful = limit
  }

  return {
    get value() {
      return Math.floor(limit)
    },
    get found() {
      return limit >= careful
    },
    ended({ begunAt, took, failed, limited }) {
      if (!failed) best = Math.min(best, took)
      if (failed || took > Math.max(QUICK, best * SLOWER)) {
        // Those that were under way when it shrank tell of the limit before.
        if (begunAt < shrunkAt) return
        const perSecond = limit / took
        if (failed || from === null || limit > from.limit / 2 || perSecond > from.perSecond * LESS)
          return shrink(perSecond, failed)
        // Fewer at a time take as long, and only fewer come in: the search begins anew from what it takes now.
        best = took
        careful = most
      } else if (limited) limit = Math.min(most, limit + (limit < careful ? 1 : 1 / limit))
      from = null
    },
  }
}
