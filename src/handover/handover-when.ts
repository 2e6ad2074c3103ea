import { createAlarm, type Alarm } from '../base/alarm.js'
import type { Clock } from '../base/clock.js'
import type { HandoverRequest } from '../options/options.js'

/** However the application decides, a dial gets this part of the deadline, and never less than these milliseconds. */
const DIAL_PART = 0.25
const DIAL_LEAST = 2_000

/** Waits until a handover suits the application, and never so long that the handover comes too late. */
export class HandoverWhen {
  readonly #when: (request: HandoverRequest) => Promise<void>
  readonly #threw: (thrown: unknown) => void
  readonly #latest: Alarm
  #waiting: (() => void) | null = null

  /** A `when` that throws is told to `threw`, and the handover goes on. */
  constructor(clock: Clock, when: (request: HandoverRequest) => Promise<void>, threw: (thrown: unknown) => void) {
    this.#when = when
    this.#threw = threw
    this.#latest = createAlarm(clock, this.#arrive, this)
  }

  /** Calls `go` once, later: when the application says that it suits, or as late as still leaves time for the dial. */
  wait(request: HandoverRequest, go: () => void): void {
    this.clear()
    // Each wait is known by a function of its own: an answer to an earlier request is not taken for this one's.
    const mine = () => go()
    this.#waiting = mine
    this.#latest.set(Math.max(0, request.deadline - Math.max(DIAL_LEAST, request.deadline * DIAL_PART)))
    const when = this.#when
    Promise.resolve(request)
      .then((asked) => when(asked))
      .catch(this.#threw)
      .then(() => {
        if (this.#waiting === mine) this.#arrive()
      })
  }

  /** What was waited for is off, and what the application says of it is not heard. */
  clear(): void {
    this.#waiting = null
    this.#latest.clear()
  }

  get waiting(): boolean {
    return this.#waiting !== null
  }

  #arrive() {
    const go = this.#waiting
    this.clear()
    go?.()
  }
}
