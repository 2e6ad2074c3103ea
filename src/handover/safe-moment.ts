import { createAlarm } from '../base/alarm.js'
import type { Clock } from '../base/clock.js'
import type { HandoverRequest } from '../options/options.js'

/** Waits until a move suits the application, and never so long that the move comes too late. */
export interface SafeMoment {
  /** Calls `go` once, later: when the application says that it suits, or as late as still leaves time for the dial. */
  wait(request: HandoverRequest, go: () => void): void
  /** What was waited for is off, and what the application says of it is not heard. */
  clear(): void
  readonly waiting: boolean
}

/** However the application decides, a dial gets this part of the deadline, and never less than these milliseconds. */
const DIAL_PART = 0.25
const DIAL_LEAST = 2_000

/** A `when` that throws is told to `threw`, and the move goes on. */
export function createSafeMoment(
  clock: Clock,
  when: (request: HandoverRequest) => Promise<void>,
  threw: (thrown: unknown) => void,
): SafeMoment {
  let waiting: (() => void) | null = null
  const arrive = () => {
    const go = waiting
    clear()
    go?.()
  }
  const latest = createAlarm(clock, arrive)
  const clear = () => {
    waiting = null
    latest.clear()
  }
  return {
    wait(request, go) {
      clear()
      // Each wait is known by a function of its own: an answer to an earlier request is not taken for this one's.
      const mine = () => go()
      waiting = mine
      latest.set(Math.max(0, request.deadline - Math.max(DIAL_LEAST, request.deadline * DIAL_PART)))
      Promise.resolve(request)
        .then(when)
        .catch(threw)
        .then(() => {
          if (waiting === mine) arrive()
        })
    },
    clear,
    get waiting() {
      return waiting !== null
    },
  }
}
