import type { Clock } from '../../base/clock.js'

/**
 * While this much passes here, at least this share of it passes there: clocks are slewed by at most half the
 * difference.
 */
const RATE = 0.999

/**
 * A lower bound of what the scripts' clock says: the time in an answer, plus what has passed here since. A command may
 * wait for Redis for any length of time, in this process, on its way or in front of a busy Redis. The age in the
 * command does not grow meanwhile, so the command also says when it was written.
 */
export class RedisTime {
  private readonly clock: Pick<Clock, 'monotonic'>
  private last: { readonly said: number; readonly at: number } | null = null

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.clock = clock
  }

  /** Takes the time from a script's answer. Does nothing if the answer has none. */
  heard(now: unknown): void {
    if (now !== undefined) this.last = { said: Number(now), at: this.clock.monotonic() }
  }

  /** Milliseconds as the scripts count them; null before the first answer. */
  get atLeast(): number | null {
    return this.last && Math.floor(this.last.said + (this.clock.monotonic() - this.last.at) * RATE)
  }
}
