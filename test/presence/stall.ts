import { systemClock } from '../../src/base/clock.js'

const EVERY = 50

/** The longest that this process was held up so far, ms: by what else the machine has to do, or by its own work. */
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
