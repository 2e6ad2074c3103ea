import { systemClock } from '../../src/base/clock.js'

const EVERY = 50

/** The longest time so far, ms, for which this process was stalled, by other work of the machine or by its own. */
export function watchStalls(): () => number {
  let longest = 0
  const tick = (from: number) =>
    void systemClock.setTimeout(() => {
      const now = performance.now()
      longest = Math.max(longest, now - from - EVERY)
      tick(now)
    }, EVERY)
  tick(performance.now())
  return () => longest
}
