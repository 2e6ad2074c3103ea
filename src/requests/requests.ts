import { newId } from '../base/id.js'
import type { Outbox, Published } from '../publishes/outbox.js'

/** How long a request may take, how to cancel it, and whether it may be sent twice. */
export interface RequestOptions {
  /** Aborting cancels the request: the server's `signal` fires. */
  readonly signal?: AbortSignal
  /** Milliseconds in all, including the wait for a leg. Default 30,000. */
  readonly timeout?: number
  /**
   * The request may be applied twice without harm: if its leg ends before the answer, it is sent again on another leg.
   */
  readonly idempotent?: boolean
}

/** The outbox is typed `never`, because applications only pass this part on. */
export type RequestsPart = (
  outbox: never,
  method: string,
  data: unknown,
  options?: RequestOptions,
) => Promise<Published>

const TIMEOUT = 30_000

/**
 * The part of a live socket that sends requests to its server: `requests` of `livesocket/core`. Requests are
 * concurrent, and bound to no topic. Rejects with a `LiveSocketError`: `invalid`, `outbox-full`, `too-large`,
 * `timeout`, `aborted`, `refused`, `forbidden`, `outcome-unknown`, `closed`.
 */
export const requests: RequestsPart = (
  outbox: Outbox,
  method,
  data,
  { signal, timeout = TIMEOUT, idempotent = false } = {},
) => {
  return outbox.add({ type: 'request', id: newId(), method }, data, {
    repeatable: idempotent,
    ackTimeout: Infinity,
    limit: timeout,
    signal,
  })
}
