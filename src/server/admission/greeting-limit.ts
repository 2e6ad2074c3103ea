/**
 * How many hellos may be greeted at a time: what those who are asked for it (the identity service, the log) take before
 * they only queue. Found from what greetings take: after each of them it goes towards so many at a time as take just
 * as long as may be.
 */
export interface GreetingLimit {
  /** A whole number from 1 on. */
  readonly value: number
  /** It has come to what there is room for: what it lets through is not only what it allowed so far. */
  readonly found: boolean
  /**
   * One has ended.
   *
   * @param limited whether others waited for their turn meanwhile: a limit that nobody comes near teaches nothing.
   */
  ended(greeting: {
    readonly begunAt: number
    readonly took: number
    /** So many were under way when it began, itself included. */
    readonly of: number
    readonly failed: boolean
    readonly limited: boolean
  }): void
  /** One was given up, because it took too long for whoever waited for it: `took` is the least that it takes. */
  givenUp(took: number): void
}

/**
 * Greetings a second that any service is trusted with: it begins at as many as that answers within the time that a hello
 * has, and doubles with each greeting's time as long as all is well.
 */
const TRUSTED = 5
/** An identity service that is away is tried by so many. */
const LEAST = 4
/** Milliseconds that a greeting may take, whatever it takes at best: less is no queue that anybody would notice. */
const QUICK = 1_000
/** A greeting that takes so many times what it takes at best has waited for others. */
const SLOWER = 2
/** What is away is tried by a fifth fewer each time. */
const SHRINK = 0.8
/**
 * Milliseconds. What ends sooner has ended before anybody was asked, as of a guest, or with a token that is no token: it
 * says nothing of how many can be asked about, whatever came of it. Else strangers could narrow it for all, or widen it.
 */
const UNASKED = 5
/** Where half as many at a time take nearly as long, there was no queue to shorten. */
const FEWER = 0.5
const AS_LONG = 0.7
/** Where it changes by less than this part of it in each greeting's time, it has come to what there is room for. */
const SETTLED = 0.5

/**
 * @param most calls that may be under way, whatever they take.
 * @param patience milliseconds that a hello has.
 * @param now milliseconds that never go back.
 */
export function createGreetingLimit(most: number, patience: number, now: () => number): GreetingLimit {
  const least = Math.min(LEAST, most)
  let limit = Math.min(most, Math.max(least, (TRUSTED * patience) / 1_000))
  /** The part of it by which it changes in each greeting's time. */
  let trend = 1
  /** Milliseconds of a greeting that waits for nobody. */
  let best = Number.POSITIVE_INFINITY
  let shrunkAt = Number.NEGATIVE_INFINITY
  /** Of those in a row that were slow, the one among most others. */
  let slow: { readonly of: number; readonly took: number } | null = null

  /** Milliseconds that a greeting may take. */
  const allowed = () => Math.max(QUICK, best === Number.POSITIVE_INFINITY ? 0 : best * SLOWER)

  function go(step: number) {
    trend += (step - trend) / limit
    limit = Math.min(most, Math.max(least, limit + step))
  }

  function failure(begunAt: number) {
    // Those that were under way when it shrank tell of the limit before.
    if (begunAt < shrunkAt) return
    shrunkAt = now()
    limit = Math.max(least, limit * SHRINK)
    // What is away is not full: once it is back, it takes as much as it took.
    trend = 1
  }

  return {
    get value() {
      return Math.floor(limit)
    },
    get found() {
      return limit === most || Math.abs(trend) < SETTLED
    },
    ended({ begunAt, took, of, failed, limited }) {
      if (took < UNASKED) return
      if (failed) return failure(begunAt)
      best = Math.min(best, took)
      let step = Math.min(1, allowed() / took - 1)
      if (step >= 0) slow = null
      else if (slow === null || of >= slow.of) slow = { of, took }
      else if (of <= slow.of * FEWER && took > slow.took * AS_LONG) {
        // Fewer at a time take as long, and only fewer come in: the search begins anew from what it takes now.
        best = took
        slow = null
        step = 1
      }
      if (step > 0 && !limited) return
      go(step)
    },
    givenUp(took) {
      if (took > allowed()) go(allowed() / took - 1)
    },
  }
}
