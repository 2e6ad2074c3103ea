import type { Clock } from '../base/clock.js'
import type { Durations } from './distribution.js'

/** Of each half, so many wait for the other, for so long (ms); what is forgotten is not measured. */
const MOST = { count: 1_000, age: 60_000 }

/**
 * How long messages take from their arrival here to who reads them here. The log tells of a message before it answers
 * who appended it, or after: whichever comes second knows.
 */
export class DeliveryTimes {
  readonly #clock: Clock
  readonly #durations: Durations
  #appending = 0
  /** When it was delivered, and when it arrived, by offset and topic. */
  readonly #delivered = new Map<string, number>()
  readonly #arrived = new Map<string, number>()

  constructor(clock: Clock, durations: Durations) {
    this.#clock = clock
    this.#durations = durations
  }

  /** @param from when it arrived, on the clock. */
  async append<Recorded extends { readonly repeat: boolean; readonly answer: object }>(
    topic: string,
    from: number,
    append: () => Promise<Recorded>,
  ): Promise<Recorded> {
    this.#appending++
    try {
      const recorded = await append()
      const { offset } = recorded.answer as { readonly offset?: number }
      if (!recorded.repeat && offset !== undefined) this.#appended(keyOf(topic, offset), from)
      return recorded
    } finally {
      // Nobody is left to ask when something was delivered.
      if (--this.#appending === 0) this.#delivered.clear()
    }
  }

  /** It was handed to who reads it here. */
  delivered(topic: string, offset: number): void {
    if (this.#appending === 0 && this.#arrived.size === 0) return
    const key = keyOf(topic, offset)
    const now = this.#clock.monotonic()
    const from = this.#arrived.get(key)
    this.#arrived.delete(key)
    if (from !== undefined) this.#took(now - from)
    else if (this.#appending > 0) remember(this.#delivered, key, now)
  }

  #appended(key: string, from: number) {
    const at = this.#delivered.get(key)
    this.#delivered.delete(key)
    if (at !== undefined) this.#took(at - from)
    else remember(this.#arrived, key, from)
  }

  /** A topic's numbers may start over: what was read by nobody is no message of long after. */
  #took(duration: number) {
    if (duration <= MOST.age) this.#durations.add(duration)
  }
}

function keyOf(topic: string, offset: number): string {
  return `${offset} ${topic}`
}

function remember(times: Map<string, number>, key: string, at: number) {
  times.set(key, at)
  for (const oldest of times.keys()) {
    if (times.size <= MOST.count) return
    times.delete(oldest)
  }
}
