import type { Outbox } from '../publishes/outbox.js'
import type { Requests } from './requests.js'

/** Legs and their answers are told to both: each knows which ids are its own. */
export function withRequests(outbox: Outbox, requests: Requests): Outbox {
  return {
    ...outbox,
    get size() {
      return outbox.size
    },
    ready(leg, maxFrame) {
      outbox.ready(leg, maxFrame)
      requests.ready(leg, maxFrame)
    },
    gone(leg) {
      outbox.gone(leg)
      requests.gone(leg)
    },
    acked(id, offset, data, epoch) {
      if (!requests.acked(id, data)) outbox.acked(id, offset, data, epoch)
    },
    nacked(id, code, message, retryAfter, leg, data) {
      if (!requests.nacked(id, code, message, retryAfter, data)) outbox.nacked(id, code, message, retryAfter, leg, data)
    },
    tooLarge(id) {
      if (!requests.nacked(id, 'too-large', 'its frame is too large')) outbox.tooLarge(id)
    },
    settled: (leg) => outbox.settled(leg) && requests.settled(leg),
    close(message) {
      outbox.close(message)
      requests.close(message ?? 'the live socket was closed')
    },
    open() {
      outbox.open()
      requests.open()
    },
  }
}
