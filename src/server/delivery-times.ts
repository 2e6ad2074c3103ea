import type { Clock } from '../base/clock.js'
import type { Durations } from './distribution.js'

/**
 * The most entries that wait for their counterpart, and the longest (ms) that counts as a delivery. A forgotten entry
 * is not measured.
 */
const MOST = { count: 1_000, age: 60_000 }

/**
 * Measures how long a message takes from its arrival here until it is handed to its readers here. The log may deliver a
 * message before or after it answers the append, so whichever of the two comes second takes the measurement.
 */
export class DeliveryTimes {
  readonly #clock: Clock
  readonly #durations: Durations
  #appending = 0
  /** When each message was delivered and when it arrived, by offset and topic. */
  readonly #delivered = new Map<string, number>()
  readonly #arrived = new Map<string, number>()

  constructor(clock: Clock, durations: Durations) {
    this.#clock = clock
    this.#durations = durations
  }

  /**
   * Runs an append and measures the delivery of its message.
   *
   * @param from when the message arrived, in monotonic milliseconds.
   */
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
      // Without an append under way no arrival time can follow for these deliveries.
      if (--this.#appending === 0) this.#delivered.clear()
    }
  }

  /** The message was handed to its readers on this server. */
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

  /** A topic's offsets may start over. An old entry that nobody read must not be matched with a much later message. */
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
