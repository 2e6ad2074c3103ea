import { instant, since, type Clock, type Instant } from './clock.js'

/** A stretch of time that is looked at, not waited for: it rings no alarm. Milliseconds. */
export interface Period {
  /** From `from`, by default from now. */
  start(length: number, from?: Instant): void
  /** Never shortens one that runs. */
  extend(length: number): void
  stop(): void
  /** What is left of it; 0 when it is over or was never started. */
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
