/**
 * The legs that were asked to move and are on their way: no more of them at a time than those who take them are quick
 * for.
 */
export interface DrainWindow<Leg> {
  asked(leg: Leg): void
  gone(leg: Leg): void
  readonly full: boolean
}

/**
 * Seconds' worth of legs that may be on their way. A move takes a few round trips. Where it takes longer, those who
 * take the legs are at their limit: more at once would only wait until their dials time out (after 10 s, as a rule),
 * and come again on top of the next ones.
 */
const SECONDS = 3
/**
 * Milliseconds after which a leg is not what keeps them busy: its page is frozen, or its application puts the move off.
 */
const SLOW = 10_000

/** @param rate legs a second. @param spread milliseconds over which each of them puts its move off by itself. */
export function createDrainWindow<Leg>(
  { rate, spread }: { readonly rate: number; readonly spread: number },
  now: () => number,
): DrainWindow<Leg> {
  const size = Math.max(1, rate * (SECONDS + spread / 1_000))
  /** When each was asked, the first first. */
  const underWay = new Map<Leg, number>()
  return {
    asked: (leg) => void underWay.set(leg, now()),
    gone: (leg) => void underWay.delete(leg),
    get full() {
      for (const [leg, askedAt] of underWay) {
        if (now() - askedAt < SLOW + spread) break
        underWay.delete(leg)
      }
      return underWay.size >= size
    },
  }
}
