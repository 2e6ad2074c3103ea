/**
 * How many hellos may be greeted at a time: as many as the services behind them (the identity service, the log) take
 * before requests only queue there. It is found from how long greetings take. After each greeting it steps towards the
 * number at which a greeting takes just as long as it may.
 */
export interface GreetingLimit {
  /** A whole number, 1 or more. */
  readonly value: number
  /**
   * Whether the limit has settled at the capacity. Before that, what it lets through only reflects the limit itself.
   */
  readonly found: boolean
  /**
   * A greeting has ended.
   *
   * @param limited whether others waited for their turn meanwhile: a limit that is never reached teaches nothing.
   */
  ended(greeting: {
    readonly begunAt: number
    readonly took: number
    /** The number under way when it began, including itself. */
    readonly of: number
    readonly failed: boolean
    readonly limited: boolean
  }): void
  /** A greeting was given up because its client waited no longer: `took` is the least that it takes. */
  givenUp(took: number): void
}

/**
 * Greetings a second that any service is trusted with. The limit starts at as many as such a service answers within the
 * time that a `hello` has, and doubles in the time of each greeting as long as all is well.
 */
const TRUSTED = 5
/** An identity service that is away is tried by this many at a time. */
const LEAST = 4
/**
 * Milliseconds that a greeting may always take, however fast the best one was: a shorter queue would not be noticed.
 */
const QUICK = 1_000
/** A greeting that takes this many times as long as the best one has waited for others. */
const SLOWER = 2
/** Each time the service is away, the limit shrinks to this share. */
const SHRINK = 0.8
/**
 * Milliseconds. A greeting that ends sooner has ended before any service was asked: a guest, or a token that is no
 * token. It does not show how many can be asked at a time, whatever its result. Otherwise strangers could narrow the
 * limit for everybody, or widen it.
 */
const UNASKED = 5
/** If this share of the calls at a time takes nearly as long, there was no queue to shorten. */
const FEWER = 0.5
const AS_LONG = 0.7
/** The limit has settled when it changes by less than this share of itself in the time of a greeting. */
const SETTLED = 0.5

/**
 * @param most the most calls that may be under way, however long they take.
 * @param patience milliseconds that a `hello` has.
 * @param now monotonic milliseconds.
 */
export function createGreetingLimit(most: number, patience: number, now: () => number): GreetingLimit {
  const least = Math.min(LEAST, most)
  let limit = Math.min(most, Math.max(least, (TRUSTED * patience) / 1_000))
  /** The share of itself by which the limit changes in the time of a greeting. */
  let trend = 1
  /** Milliseconds of a greeting that waits for no other. */
  let best = Number.POSITIVE_INFINITY
  let shrunkAt = Number.NEGATIVE_INFINITY
  /** Among the slow greetings in a row, the one with the most others under way. */
  let slow: { readonly of: number; readonly took: number } | null = null

  /** Milliseconds that a greeting may take. */
  const allowed = () => Math.max(QUICK, best === Number.POSITIVE_INFINITY ? 0 : best * SLOWER)

  function go(step: number) {
    trend += (step - trend) / limit
    limit = Math.min(most, Math.max(least, limit + step))
  }

  function failure(begunAt: number) {
    // Greetings that began before the last shrink reflect the earlier limit.
    if (begunAt < shrunkAt) return
    shrunkAt = now()
    limit = Math.max(least, limit * SHRINK)
    // A service that is away is not full: when it is back, it takes as much as before.
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
        // Fewer at a time take just as long, and the limit only lets fewer in. The search starts over from the present
        // duration.
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
