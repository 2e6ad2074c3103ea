import type { Clock } from '../../src/base/clock.js'

/** A service that is asked before a client is greeted. It answers a number of calls a second, in order of arrival. */
export interface Stage {
  pass(done: () => void): void
}

/**
 * * @param perSecond Infinity: without a limit.
 * * @param takes how long a call takes without a queue, ms.
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

/** Combines stages into one that passes each in turn. */
export function inTurn(stages: readonly Stage[]): Stage {
  const [first, ...others] = stages
  if (!first) return { pass: (done) => done() }
  if (others.length === 0) return first
  const rest = inTurn(others)
  return { pass: (done) => first.pass(() => rest.pass(done)) }
}
