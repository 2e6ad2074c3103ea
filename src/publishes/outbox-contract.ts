import type { Clock } from '../base/clock.js'
import type { ClientFrame } from '../protocol/frames.js'

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

/** What became of a publish that the server applied. */
export interface Published {
  readonly id: string
  /** Where the topic's log has it; absent where the server does not say. */
  readonly offset?: number
  /** The numbering that `offset` belongs to, where the server says. */
  readonly epoch?: string
  /** What the server's `onPublish` answered. */
  readonly data?: unknown
}

/** `data` is what the application's data was when it was published: changing the object later changes nothing. */
export type PublishFrame = Extract<ClientFrame, { readonly type: 'publish' }>

export interface OutboxHandlers {
  /** Puts the publish on that leg. False: not sendable now; call `ready` again when it is. Throws nothing. */
  send(leg: number, frame: PublishFrame): boolean
  /** `size` changed. */
  changed(): void
  /**
   * The oldest unanswered publish on the active leg has waited `ackTimeout`: the leg is suspect. The publish goes on.
   * For one publish each wait is twice as long as the one before, so that a server that answers nothing is not left
   * over and over.
   */
  overdue(leg: number): void
  /** `settled` may have changed by the passing of time alone. */
  settled?(): void
}

export interface OutboxDeps {
  readonly clock: Clock
  /** Mints the id of a publish, unique in the session. */
  readonly id: () => string
  readonly maxMessages: number
  readonly maxBytes: number
  readonly ackTimeout: number
  /**
   * How long a cutover waits for the old leg's answers before it sends the same again on the new leg, in milliseconds.
   */
  readonly settleTimeout: number
  /** False: the server answers no publish, and one is done when it is sent. */
  readonly acknowledges: boolean
  /**
   * False: the server applies a publish as often as it comes. Each is sent once; one that is not answered in
   * `ackTimeout`, or before its leg is gone, is `outcome-unknown`, and accuses no leg: such servers leave many
   * unanswered. Default true.
   */
  readonly dedupes?: boolean
  /** Whether an ArrayBuffer, or a view of one, is published as it is. */
  readonly binary?: boolean
}

export interface Outbox {
  /**
   * Rejects with a `LiveSocketError`: `invalid`, `outbox-full`, `too-large`, `timeout`, `aborted`, `refused`,
   * `forbidden`, `outcome-unknown`, `closed`.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<Published>
  /**
   * `leg` is the active leg from now on, and the former one the old leg. For the leg that is active already: it takes
   * more.
   */
  ready(leg: number, maxFrame?: number): void
  /** The leg was closed or died. If it was the active one, the old leg serves again. */
  gone(leg: number): void
  acked(id: string, offset?: number, data?: unknown, epoch?: string): void
  /**
   * `leg` is the one that said so: what it refuses for now may still be applied where another leg took the same
   * publish.
   */
  nacked(id: string, code: string, message: string, retryAfter?: number, leg?: number, data?: unknown): void
  /** The server refused that publish's frame for its size. */
  tooLarge(id: string): void
  /** Whether no publish is unanswered on that leg. */
  settled(leg: number): boolean
  readonly size: { readonly messages: number; readonly bytes: number }
  /**
   * Settles everything at once, unsent publishes as `closed`, sent ones as `outcome-unknown`; later ones are `closed`,
   * until `open`.
   */
  close(message?: string): void
  /** Takes publishes again; nothing for one that is open, as a new one is. */
  open(): void
}
