import type { Instant } from '../base/clock.js'
import type { LiveSocketError } from '../base/errors.js'
import type { Protocol } from '../protocol/protocol.js'
import { KeptFrame } from './kept-frame.js'
import type { Owed, Published, Sending } from './outbox-contract.js'
import type { OutboxLeg } from './outbox-leg.js'

/** A frame that awaits an answer, with its state, from the call that made it until it settles. */
export class OutboxEntry extends KeptFrame<Owed['type']> {
  readonly repeatable: boolean
  readonly limit: number
  /** When it was queued, from which its limit counts; set only if it has a limit or a signal. */
  queued: Instant | null = null
  /** The leg on which it is unanswered; null while it waits to be sent. Set by the queue. */
  leg: OutboxLeg | null = null
  firstSent: Instant | null = null
  /** How many sent copies are unanswered. */
  copies = 0
  /** The wait after which the leg becomes suspect, and when that wait ends, on the monotonic clock. */
  patience: number
  overdueAt = 0
  resolve!: (answer: Published) => void
  reject!: (error: LiveSocketError) => void
  /** Clears the timer and the signal listener, if there are any. */
  release: (() => void) | null = null

  /** Throws `invalid` for data that cannot be sent. */
  constructor(
    head: Owed,
    data: unknown,
    { repeatable, ackTimeout, limit = Infinity }: Sending,
    copy: Protocol['copy'],
  ) {
    super(head, data, copy)
    this.repeatable = repeatable
    this.patience = ackTimeout
    this.limit = limit
  }

  /** Entries of one lane are answered in the order of sending: each topic is a lane, and each request has its own. */
  get lane(): string {
    return this.topic ?? this.id
  }
}
