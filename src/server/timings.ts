import type { Clock } from '../base/clock.js'
import { DeliveryTimes } from './delivery-times.js'
import { Durations, type Distribution } from './distribution.js'

/** How long things have taken on a server. */
export interface Timings {
  /**
   * From a publish's arrival here, or the call of `publish`, until the message was handed to the sockets of those legs
   * here that read the topic and keep up.
   */
  readonly delivery: Distribution
  /** From a socket's opening to its `welcome`. */
  readonly greeting: Distribution
  /** From asking a leg to hand over until it had left on its own. */
  readonly handover: Distribution
}

/** Measures the timings. */
export class Stopwatch {
  readonly greeting = new Durations()
  readonly handover = new Durations()
  readonly delivery: DeliveryTimes
  readonly #delivery = new Durations()

  constructor(clock: Clock) {
    this.delivery = new DeliveryTimes(clock, this.#delivery)
  }

  get timings(): Timings {
    return {
      delivery: this.#delivery.distribution,
      greeting: this.greeting.distribution,
      handover: this.handover.distribution,
    }
  }
}
