/**
 * The legs that were asked to hand over and are on their way: no more of them at a time than those who take them are
 * quick for, which is told by how many have left lately.
 */
export interface DrainWindow<Leg> {
  asked(leg: Leg): void
  gone(leg: Leg): void
  /** Those who are to take it have no room for it, for so many milliseconds. */
  delayed(leg: Leg, retryAfter: number): void
  readonly full: boolean
  /** Legs a second that have left lately; null before that can be told. */
  readonly rate: number | null
}

/** Milliseconds of which it is looked how many have left. */
const LATELY = 3_000
/** So many times as many may be on their way: what arrives grows by half in that time, as far as it can. */
const MORE = 1.5
/**
 * Seconds' worth of legs that may be on their way whatever happens. A handover takes a few round trips. Where it takes
 * longer, those who take the legs are at their limit.
 */
const MOST = 3
/** Seconds' worth that may be on their way at first, when nobody can have left yet; and how many at any time. */
const FIRST = 0.5
const LEAST = { seconds: 0.25, legs: 10 }
/**
 * Milliseconds after which a leg is not what keeps them busy: its page is frozen, or its application puts the handover
 * off.
 */
const SLOW = 5_000

/** @param rate legs a second. @param spread milliseconds over which each of them puts its handover off by itself. */
export function createDrainWindow<Leg>(
  { rate, spread }: { readonly rate: number; readonly spread: number },
  now: () => number,
): DrainWindow<Leg> {
  const begun = now()
  const most = Math.max(1, rate * (MOST + spread / 1_000))
  const least = Math.min(most, Math.max(LEAST.legs, rate * LEAST.seconds))
  /** When each is no longer counted, in their order: it is asked for each leg, and thousands may be on their way. */
  const underWay = new Map<Leg, number>()
  /** The same of those who were told to wait, each for a time of its own. */
  const toldToWait = new Map<Leg, number>()
  /** When those that were asked have left, in their order. */
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
    // Whoever spreads its handover leaves no sooner.
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
