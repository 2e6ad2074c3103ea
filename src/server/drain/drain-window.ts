/**
 * The legs that were asked to hand over and are under way. Their number is limited to what the servers that take them
 * can handle, which is measured by how many have left lately.
 */
export interface DrainWindow<Leg> {
  asked(leg: Leg): void
  gone(leg: Leg): void
  /** The server that is to take it has no room for it, for that many milliseconds. */
  delayed(leg: Leg, retryAfter: number): void
  readonly full: boolean
  /** Legs a second that have left lately; null before that can be measured. */
  readonly rate: number | null
}

/** Milliseconds over which it is measured how many have left. */
const LATELY = 3_000
/**
 * This many times as many as left lately may be under way: so the number grows by half in that time, as far as it can.
 */
const MORE = 1.5
/**
 * Seconds' worth of legs that may ever be under way. A handover takes a few round trips. If it takes longer, the
 * servers that take the legs are at their limit.
 */
const MOST = 3
/** Seconds' worth of legs that may be under way at first, when none can have left yet. */
const FIRST = 0.5
const LEAST = { seconds: 0.25, legs: 10 }
/**
 * Milliseconds after which a leg no longer counts as load for the other servers: its page is frozen, or its application
 * postpones the handover.
 */
const SLOW = 5_000

/** @param rate legs a second. @param spread milliseconds over which each client spreads its own handover. */
export function createDrainWindow<Leg>(
  { rate, spread }: { readonly rate: number; readonly spread: number },
  now: () => number,
): DrainWindow<Leg> {
  const begun = now()
  const most = Math.max(1, rate * (MOST + spread / 1_000))
  const least = Math.min(most, Math.max(LEAST.legs, rate * LEAST.seconds))
  /** When each leg stops being counted, in that order. It is checked for each leg, and thousands may be under way. */
  const underWay = new Map<Leg, number>()
  /** The same for legs that were told to wait, each for a time of its own. */
  const toldToWait = new Map<Leg, number>()
  /** When the legs that were asked have left, in order. */
  let left: number[] = []
  let delayedAt = Number.NEGATIVE_INFINITY

  function leftLately(): number {
    const from = now() - LATELY
    const first = left.findIndex((at) => at > from)
    if (first !== 0) left = first === -1 ? [] : left.slice(first)
    return left.length
  }

  function allowed(): number {
    const lately = leftLately()
    // Clients that spread their handovers leave no sooner.
    const unknown = now() - begun < LATELY + spread ? rate * (FIRST + spread / 1_000) : 0
    const more = now() - delayedAt < LATELY ? 1 : MORE
    return Math.min(most, Math.max(least, unknown, lately * more))
  }

  return {
    asked: (leg) => void underWay.set(leg, now() + SLOW + spread),
    gone(leg) {
      if (underWay.delete(leg) || toldToWait.delete(leg)) left.push(now())
    },
    delayed(leg, retryAfter) {
      if (!underWay.delete(leg) && !toldToWait.delete(leg)) return
      delayedAt = now()
      toldToWait.set(leg, now() + SLOW + retryAfter)
    },
    get full() {
      const at = now()
      for (const [leg, until] of underWay) {
        if (until > at) break
        underWay.delete(leg)
      }
      for (const [leg, until] of toldToWait) if (until <= at) toldToWait.delete(leg)
      return underWay.size + toldToWait.size >= allowed()
    },
    get rate() {
      const passed = Math.min(LATELY, now() - begun)
      return passed < LATELY ? null : (leftLately() / passed) * 1_000
    },
  }
}
