import { instant, since, type Clock, type Instant } from './clock.js'

/** One moment to come, which can be moved. */
export interface Alarm {
  /** Milliseconds from now; the moment set before, if any, is off. */
  set(delay: number): void
  clear(): void
  /** Milliseconds to go; null when nothing is set. */
  readonly left: number | null
}

export function createAlarm(clock: Clock, ring: () => void): Alarm {
  return new ClockAlarm(clock, ring)
}

class ClockAlarm implements Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #start: Instant | null = null
  #delay = 0
  #cancel: (() => void) | null = null

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  set(delay: number) {
    this.clear()
    this.#start = instant(this.#clock)
    this.#delay = delay
    this.#cancel = this.#clock.setTimeout(() => {
      this.clear()
      this.#ring()
    }, delay)
  }

  clear() {
    this.#cancel?.()
    this.#cancel = this.#start = null
  }

  get left() {
    return this.#start && Math.max(0, this.#delay - since(this.#clock, this.#start))
  }
}
