import type { Clock, Present } from '../base/clock.js'
import type { AckFrame, ClientFrame, NackFrame } from '../protocol/frames.js'
import type { Protocol } from '../protocol/protocol.js'
import type { Said } from './refusal.js'

/** How long a publish may take, and how to withdraw it. */
export interface PublishOptions {
  /**
   * Aborting withdraws a publish that was not sent yet (`aborted`); one that was sent is not sent again
   * (`outcome-unknown`).
   */
  readonly signal?: AbortSignal
  /**
   * Milliseconds from now. Not sent by then: `timeout`; sent but not answered: `outcome-unknown`. Default: no limit.
   */
  readonly ttl?: number
}

/** The result of a publish or request that the server applied. */
export interface Published {
  readonly id: string
  /** Its offset in the topic's log; absent if the server does not say. */
  readonly offset?: number
  /** The epoch of `offset`, if the server says. */
  readonly epoch?: string
  /** The answer of the server's `onPublish` or `onRequest`. */
  readonly data?: unknown
}

/** `data` is a copy, made when it was published: changing the object later changes nothing. */
export type PublishFrame = Extract<ClientFrame, { readonly type: 'publish' }>

/** Something to send that the server must answer. Each kind has its own limits. */
export interface Owed extends Said {
  readonly type: 'publish' | 'request'
  readonly id: string
}

/** How something is sent, and how long its answer is awaited. */
export interface Sending {
  /**
   * If its leg ends before the answer arrives, it is sent again on the next leg. Otherwise its outcome is then unknown,
   * and no other leg is asked.
   */
  readonly repeatable: boolean
  /**
   * Milliseconds for which one leg may leave it unanswered. After that the leg is suspect. If it may not be sent twice,
   * its outcome is unknown instead and the leg is not suspected, since servers without deduplication leave many
   * publishes unanswered. Infinity: as long as the leg lives.
   */
  readonly ackTimeout: number
  /** Milliseconds in all. Default: no limit. */
  readonly limit?: number
  readonly signal?: AbortSignal | undefined
}

export interface OutboxHandlers {
  /**
   * Sends the frame on that leg, as it is at that moment: a repeat is the same object with another `age`. False: it
   * cannot be sent now; call `ready` again when it can. Must not throw.
   */
  send(leg: number, frame: ClientFrame): boolean
  /** `size` changed. */
  changed(): void
  /**
   * The oldest unanswered publish on the active leg has waited `ackTimeout`, so the leg is suspect. The publish stays
   * in the outbox. Each further wait of one publish is twice as long as the previous one, so that the client does not
   * leave a server that answers nothing again and again.
   */
  overdue(leg: number): void
  /** `owes` may have changed because time has passed. */
  settled?(): void
  /** Why new entries are rejected; null: they are accepted. */
  readonly closed: string | null
  /** The leg that serves. */
  readonly serving: { readonly leg: number; readonly maxFrame?: number | undefined } | null
}

export interface OutboxDeps {
  readonly clock: Clock & { readonly present: Present }
  /** Creates the id of a publish, unique in the session. */
  readonly id: () => string
  /** The most entries of each kind. */
  readonly maxMessages: number
  readonly maxBytes: number
  readonly ackTimeout: number
  /**
   * After a cutover, how long unanswered publishes wait for the old leg's answers before they are sent again on the new
   * leg, in milliseconds.
   */
  readonly settleTimeout: number
  /** False: the server answers no publish, so a publish is done once it is sent. */
  readonly acknowledges: boolean
  /** False: the server applies a publish each time it arrives, so it is sent only once. Default true. */
  readonly dedupes?: boolean
  /** Copies the data of a publish. Default: as JSON, which has no bytes. */
  readonly copy?: Protocol['copy']
}

/**
 * A server's refusal. A `nack` is about everything sent under that id, however often; an `error` is about that frame
 * alone.
 */
export type Refusal = Omit<NackFrame, 'type'> & { readonly type?: 'nack' | 'error' }

export interface Outbox {
  /**
   * Rejects with a `LiveSocketError`: `invalid`, `outbox-full`, `too-large`, `timeout`, `aborted`, `refused`,
   * `forbidden`, `outcome-unknown`, `closed`.
   */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<Published>
  /** Queues something to send on the serving leg. Resolves with the answer, rejects like `publish`. */
  add(head: Owed, data: unknown, sending: Sending): Promise<Published>
  /**
   * `leg` is the active leg from now on, and the previous one is the old leg. If `leg` is already active: it can send
   * more.
   */
  ready(leg: number, maxFrame?: number): void
  /** The leg was closed or died. If it was the active one, the old leg serves again. */
  gone(leg: number): void
  acked(ack: Omit<AckFrame, 'type'>): void
  /**
   * `leg` is the leg that refused. If it refused only for now, or for the frame's size, an earlier copy on another leg
   * may still be applied.
   */
  nacked(nack: Refusal, leg?: number): void
  /** Whether anything is unanswered on that leg. */
  owes(leg: number): boolean
  /** The number and bytes of unsettled publishes. */
  readonly size: { readonly messages: number; readonly bytes: number }
  /** Settles everything at once: what was not sent as `closed`, what was sent as `outcome-unknown`. */
  close(why: string): void
}
