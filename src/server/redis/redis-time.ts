import type { Clock } from '../../base/clock.js'

/** Of what passes here, so much passes there at the least: clocks are slewed by no more than half of that. */
const RATE = 0.999

/**
 * What the scripts' clock says at the least: what an answer bore, and what has passed here since. A command may wait
 * for Redis for any time, in this process, on its way or in front of a Redis that is busy, and what it says of its own
 * age does not grow meanwhile: it says when it was written too.
 */
export class RedisTime {
  private readonly clock: Pick<Clock, 'monotonic'>
  private last: { readonly said: number; readonly at: number } | null = null

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.clock = clock
  }

  /** `now` of a script, in its answer. Nothing where the answer bears none. */
  heard(now: unknown): void {
    if (now !== undefined) this.last = { said: Number(now), at: this.clock.monotonic() }
  }

  /** Milliseconds as the scripts count them; null before the first answer. */
  get atLeast(): number | null {
    return this.last && Math.floor(this.last.said + (this.clock.monotonic() - this.last.at) * RATE)
  }
}
