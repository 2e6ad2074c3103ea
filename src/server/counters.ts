import type { FailureCode } from './failure.js'

/** What a server has done since it was created. */
export interface Counters {
  /** Sockets opened. */
  opened: number
  /** Legs welcomed. */
  welcomed: number
  /** Publishes that arrived, repeats included. */
  published: number
  /** Publishes answered by a `nack`. */
  refused: number
  /** Requests passed to a handler. */
  requested: number
  /** Signals sent by clients that were allowed to, and by the server itself. */
  signalled: number
  /** Message frames sent. */
  delivered: number
  /** Messages that were not sent because the history dropped them before a slow reader had caught up. */
  missed: number
  /** Legs asked to hand over. */
  asked: number
  /** Calls of `authenticate` that ended after nobody waited for them any longer, or that were given up as lost. */
  wasted: number
  /** Legs closed with an error, by its code. */
  readonly failed: Partial<Record<FailureCode, number>>
}

export function createCounters(): Counters {
  return {
    opened: 0,
    welcomed: 0,
    published: 0,
    refused: 0,
    requested: 0,
    signalled: 0,
    delivered: 0,
    missed: 0,
    asked: 0,
    wasted: 0,
    failed: {},
  }
}
