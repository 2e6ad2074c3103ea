import { newId } from '../base/id.js'
import { explain } from '../base/explanation.js'
import { frameBytes, frameText } from '../protocol/client-frames.js'
import { serialise } from '../protocol/json.js'
import type { Outbox } from '../publishes/outbox.js'
import { failure, unsendable } from '../publishes/refusal.js'

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
export type RequestsPart = (outbox: never, method: string, data: unknown, options?: RequestOptions) => Promise<unknown>

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
  const head = { type: 'request', id: newId(), method } as const
  if (typeof method !== 'string' || method === '' || method.length > 128)
    return Promise.reject(failure(head, 'invalid', explain`a method is a string of 1 to 128 characters`))
  const kept = data === undefined ? { json: undefined } : serialise(data)
  if ('invalid' in kept) return Promise.reject(unsendable(head, kept))
  const frame = { ...head, text: frameText(head, kept.json) }
  return outbox.add(frame, {
    bytes: frameBytes(frame),
    lane: head.id,
    repeatable: idempotent,
    ackTimeout: Infinity,
    limit: timeout,
    signal,
  })
}
