import { instant, since, type Clock, type Instant } from './clock.js'

/** One timer, which can be postponed or brought forward. */
export interface Alarm {
  /** Sets the alarm `delay` milliseconds from now, in place of any earlier setting. Infinity: never. */
  set(delay: number): void
  clear(): void
  /** Milliseconds to go; null when the alarm is not set. */
  readonly left: number | null
}

/** Calls `ring`, with `of` as its `this`, and passes by how many milliseconds the call is late. */
export function createAlarm(clock: Clock, ring: (late: number) => void, of?: object): Alarm {
  return new ClockAlarm(clock, ring, of)
}

class ClockAlarm implements Alarm {
  readonly #clock: Clock
  readonly #ring: (late: number) => void
  readonly #of: object | undefined
  #start: Instant | null = null
  #delay = 0
  #cancel: (() => void) | null = null

  constructor(clock: Clock, ring: (late: number) => void, of: object | undefined) {
    this.#clock = clock
    this.#ring = ring
    this.#of = of
  }

  set(delay: number) {
    this.clear()
    if (delay === Infinity) return
    const start = (this.#start = instant(this.#clock))
    this.#delay = delay
    this.#cancel = this.#clock.setTimeout(() => {
      this.clear()
      this.#ring.call(this.#of, since(this.#clock, start) - delay)
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
