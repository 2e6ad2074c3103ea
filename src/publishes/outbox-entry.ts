import type { Instant } from '../base/clock.js'
import type { LiveSocketError } from '../base/errors.js'
import { KeptFrame } from './kept-frame.js'
import type { Owed, Published, Sending } from './outbox-contract.js'
import type { OutboxLeg } from './outbox-leg.js'

/** What is owed an answer, from the call that made it until it settles: the frame, and how it fares. */
export class OutboxEntry extends KeptFrame<Owed['type']> {
  readonly repeatable: boolean
  readonly limit: number
  /** Where it has a limit, which counts from then. */
  queued: Instant | null = null
  /** The leg on which it is unanswered; null while it waits to be sent. The queue sets it. */
  leg: OutboxLeg | null = null
  firstSent: Instant | null = null
  /** How often it was sent without an answer to that sending. */
  copies = 0
  /** The wait after which the leg becomes suspect, and on the monotonic clock the moment at which it ends. */
  patience: number
  overdueAt = 0
  resolve!: (answer: Published) => void
  reject!: (error: LiveSocketError) => void
  /** Lets go of the timer and the signal, where it has one. */
  release: (() => void) | null = null

  /** Throws `invalid` for what cannot be sent. */
  constructor(head: Owed, data: unknown, { repeatable, ackTimeout, limit = Infinity }: Sending, binary?: boolean) {
    super(head, data, binary)
    this.repeatable = repeatable
    this.patience = ackTimeout
    this.limit = limit
  }

  /** What is sent in one lane is answered in that order: a topic is one, and each request is its own. */
  get lane(): string {
    return this.topic ?? this.id
  }
}
