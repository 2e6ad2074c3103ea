import { newId } from '../base/id.js'
import type { Outbox, Published } from '../publishes/outbox.js'

/** How long a request may take, what gives it up, and whether it may be sent twice. */
export interface RequestOptions {
  /** Aborting gives up: the server's `signal` fires. */
  readonly signal?: AbortSignal
  /** Milliseconds for all of it, waiting for a leg included. Default 30,000. */
  readonly timeout?: number
  /** It does no harm to do it twice: where its leg dies before the answer, it is asked again on another one. */
  readonly idempotent?: boolean
}

/** For whom it is passed to, its outbox is nobody else's concern. */
export type RequestsPart = (
  outbox: never,
  method: string,
  data: unknown,
  options?: RequestOptions,
) => Promise<Published>

const TIMEOUT = 30_000

/**
 * The part of a live socket that asks its server: `requests` of `livesocket/core`. Requests are concurrent, and bound to
 * no topic. Rejects with a `LiveSocketError`: `invalid`, `outbox-full`, `too-large`, `timeout`, `aborted`, `refused`,
 * `forbidden`, `outcome-unknown`, `closed`.
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
