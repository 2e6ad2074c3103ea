import { instant, since, type Clock, type Instant } from './clock.js'

/** A stretch of time, in milliseconds, that callers check and do not wait for: it sets no timer. */
export interface Period {
  /** Starts the period at `from`, by default now. */
  start(length: number, from?: Instant): void
  /** Makes the period last at least `length` from now. Never shortens it. */
  extend(length: number): void
  stop(): void
  /** The time left; 0 when the period is over or was never started. */
  readonly left: number
}

export function createPeriod(clock: Clock): Period {
  return new ClockPeriod(clock)
}

class ClockPeriod implements Period {
  readonly #clock: Clock
  #from: Instant | null = null
  #length = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  start(length: number, from = instant(this.#clock)) {
    this.#from = from
    this.#length = length
  }

  extend(length: number) {
    if (length > this.left) this.start(length)
  }

  stop() {
    this.#from = null
  }

  get left() {
    return this.#from ? Math.max(0, this.#length - since(this.#clock, this.#from)) : 0
  }
}
