import { createAlarm } from '../base/alarm.js'
import type { Clock } from '../base/clock.js'
import type { HandoverRequest } from './options.js'

/** However the application decides, a dial gets this part of the deadline, and never less than these milliseconds. */
const DIAL_PART = 0.25
const DIAL_LEAST = 2_000

/**
 * Calls `go` once: when the application says that the moment suits it, or as late as still leaves time for the dial. A
 * `when` that throws is told to `threw`, and the move goes on.
 */
export function atGoodMoment(clock: Clock, when: (request: HandoverRequest) => Promise<void>, request: HandoverRequest, go: () => void, threw: (thrown: unknown) => void): void {
  let gone = false
  const once = () => {
    if (gone) return
    gone = true
    latest.clear()
    go()
  }
  const latest = createAlarm(clock, once)
  latest.set(Math.max(0, request.deadline - Math.max(DIAL_LEAST, request.deadline * DIAL_PART)))
  Promise.resolve(request)
    .then(when)
    .catch(threw)
    .then(once)
}
