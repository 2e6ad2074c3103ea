import type { Clock } from '../../src/base/clock.js'

/** One of those who are asked before a client is greeted: it takes so many a second, in the order in which they come. */
export interface Stage {
  pass(done: () => void): void
}

/**
 * @param perSecond Infinity: as many as come.
 * @param takes what one takes that waits for nobody, ms.
 */
export function createStage(clock: Clock, perSecond: number, takes: number): Stage {
  const each = 1_000 / perSecond
  let free = Number.NEGATIVE_INFINITY
  return {
    pass(done) {
      const begins = Math.max(clock.monotonic(), free)
      free = begins + each
      clock.setTimeout(done, begins - clock.monotonic() + takes)
    },
  }
}

/** One after the other; who takes no time is left out. */
export function inTurn(stages: readonly Stage[]): Stage {
  const [first, ...others] = stages
  if (!first) return { pass: (done) => done() }
  if (others.length === 0) return first
  const rest = inTurn(others)
  return { pass: (done) => first.pass(() => rest.pass(done)) }
}
