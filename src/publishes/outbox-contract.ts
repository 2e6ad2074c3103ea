import type { Clock, Present } from '../base/clock.js'
import type { AckFrame, ClientFrame, NackFrame } from '../protocol/frames.js'
import type { Said } from './refusal.js'

/** How long a publish may take, and what takes it back. */
export interface PublishOptions {
  /** Aborting takes back what was not sent yet (`aborted`); what was sent is not sent again (`outcome-unknown`). */
  readonly signal?: AbortSignal
  /**
   * Milliseconds from now. Not sent by then: `timeout`; sent but not answered: `outcome-unknown`. Default: as long as
   * it takes.
   */
  readonly ttl?: number
}

/** What became of a publish, or a request, that the server applied. */
export interface Published {
  readonly id: string
  /** Where the topic's log has it; absent where the server does not say. */
  readonly offset?: number
  /** The numbering that `offset` belongs to, where the server says. */
  readonly epoch?: string
  /** What the server's `onPublish` or `onRequest` answered. */
  readonly data?: unknown
}

/** `data` is what the application's data was when it was published: changing the object later changes nothing. */
export type PublishFrame = Extract<ClientFrame, { readonly type: 'publish' }>

/** What is to be sent and owed an answer: each kind is counted by itself. */
export interface Owed extends Said {
  readonly type: 'publish' | 'request'
  readonly id: string
}

/** How something is sent, and how its answer is waited for. */
export interface Sending {
  /**
   * Where its leg is gone before the answer came it is sent again, on the next one. Else its outcome is unknown then,
   * and no other leg is asked.
   */
  readonly repeatable: boolean
  /**
   * Milliseconds for which one leg may leave it unanswered. Past it the leg is suspect; or, where it may not be sent
   * twice, its outcome is unknown, and no leg is accused: such servers leave many unanswered. Infinity: as long as the
   * leg lives.
   */
  readonly ackTimeout: number
  /** Milliseconds for all of it. Default: as long as it takes. */
  readonly limit?: number
  readonly signal?: AbortSignal | undefined
}

export interface OutboxHandlers {
  /**
   * Puts the frame on that leg, as it is by now: a repeat is the same object with another `age`. False: not sendable
   * now; call `ready` again when it is. Throws nothing.
   */
  send(leg: number, frame: ClientFrame): boolean
  /** `size` changed. */
  changed(): void
  /**
   * The oldest unanswered publish on the active leg has waited `ackTimeout`: the leg is suspect. The publish goes on.
   * For one publish each wait is twice as long as the one before, so that a server that answers nothing is not left
   * over and over.
   */
  overdue(leg: number): void
  /** `owes` may have changed by the passing of time alone. */
  settled?(): void
  /** Why nothing is taken; null: everything is. */
  readonly closed: string | null
  /** The leg that serves. */
  readonly serving: { readonly leg: number; readonly maxFrame?: number | undefined } | null
}

export interface OutboxDeps {
  readonly clock: Clock & { readonly present: Present }
  /** Mints the id of a publish, unique in the session. */
  readonly id: () => string
  /** Of each kind. */
  readonly maxMessages: number
  readonly maxBytes: number
  readonly ackTimeout: number
  /**
   * How long a cutover waits for the old leg's answers before it sends the same again on the new leg, in milliseconds.
   */
  readonly settleTimeout: number
  /** False: the server answers no publish, and one is done when it is sent. */
  readonly acknowledges: boolean
  /** False: the server applies a publish as often as it comes, and each is sent once. Default true. */
  readonly dedupes?: boolean
  /** Whether an ArrayBuffer, or a view of one, is published as it is. */
  readonly binary?: boolean
}

/** A server's no. A `nack` speaks of what has that id, however often it was sent, and an `error` of that frame alone. */
export type Refusal = Omit<NackFrame, 'type'> & { readonly type?: 'nack' | 'error' }

export interface Outbox {
  /**
   * Rejects with a `LiveSocketError`: `invalid`, `outbox-full`, `too-large`, `timeout`, `aborted`, `refused`,
   * `forbidden`, `outcome-unknown`, `closed`.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<Published>
  /** To be sent on the leg that serves. Resolves with the answer, rejects as `publish`. */
  add(head: Owed, data: unknown, sending: Sending): Promise<Published>
  /**
   * `leg` is the active leg from now on, and the former one the old leg. For the leg that is active already: it takes
   * more.
   */
  ready(leg: number, maxFrame?: number): void
  /** The leg was closed or died. If it was the active one, the old leg serves again. */
  gone(leg: number): void
  acked(ack: Omit<AckFrame, 'type'>): void
  /**
   * `leg` is the one that said so: what it refuses for now, or for its size, may still be applied where another leg took
   * the same.
   */
  nacked(nack: Refusal, leg?: number): void
  /** Whether anything is unanswered on that leg. */
  owes(leg: number): boolean
  /** Of publishes. */
  readonly size: { readonly messages: number; readonly bytes: number }
  /** Settles everything at once, what was not sent as `closed`, what was sent as `outcome-unknown`. */
  close(why: string): void
}
