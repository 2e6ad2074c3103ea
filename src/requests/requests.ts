import { explain } from '../base/explanation.js'
import type { Clock } from '../base/clock.js'
import { LiveSocketError, type LiveSocketErrorCode, type LiveSocketErrorDetails } from '../base/errors.js'
import { refusalCode } from '../publishes/refusal-code.js'
import { byteLength, serialise } from '../protocol/json.js'
import type { ClientFrame } from '../protocol/frames.js'

/** How long a request may take, what gives it up, and whether it may be sent twice. */
export interface RequestOptions {
  /** Aborting gives up: the server's `signal` fires. */
  readonly signal?: AbortSignal
  /** Milliseconds for all of it, waiting for a leg included. Default 30,000. */
  readonly timeout?: number
  /** It does no harm to do it twice: where its leg dies before the answer, it is asked again on another one. */
  readonly idempotent?: boolean
}

/** What the server is asked, and has not answered yet: concurrent, and bound to no topic. */
export interface Requests {
  /**
   * Rejects with a `LiveSocketError`: `invalid`, `outbox-full`, `too-large`, `timeout`, `aborted`, `refused`,
   * `forbidden`, `outcome-unknown`, `closed`.
   */
  request(method: string, data?: unknown, options?: RequestOptions): Promise<unknown>
  /** `leg` is the active one from now on. */
  ready(leg: number, maxFrame?: number): void
  /** The leg was closed or died. What it leaves unanswered is asked on another one, or told. */
  gone(leg: number): void
  /** False, here and below: that id is no request's. */
  acked(id: string, data?: unknown): boolean
  nacked(id: string, code: string, message: string, retryAfter?: number, data?: unknown): boolean
  settled(leg: number): boolean
  close(message: string): void
  open(): void
}

export interface RequestsDeps {
  readonly clock: Clock
  readonly id: () => string
  readonly maxMessages: number
  readonly maxBytes: number
}

interface Request {
  readonly id: string
  readonly method: string
  readonly json: string | undefined
  readonly bytes: number
  readonly idempotent: boolean
  /** Where it is asked; null while it waits. */
  leg: number | null
  sent: boolean
  settle(error: LiveSocketError | null, data?: unknown): void
}

interface RequestLeg {
  readonly number: number
  readonly maxFrame: number
}

const TIMEOUT = 30_000

/** The part of a live socket that asks its server: `requests` of `livesocket/core`. */
export function createRequests(
  { clock, id: newId, maxMessages, maxBytes }: RequestsDeps,
  send: (leg: number, frame: ClientFrame) => boolean,
): Requests {
  const open = new Map<string, Request>()
  let bytes = 0
  let active: RequestLeg | undefined
  let old: RequestLeg | undefined
  let closed: string | null = null

  function put(request: Request) {
    if (!active) return
    const { id, method, json, sent } = request
    if (request.bytes > active.maxFrame)
      return fail(
        request,
        'too-large',
        explain`the server takes no frame over ${active.maxFrame} bytes, and it has ${request.bytes}; that was known`,
      )
    // Noted before: the answer, or the leg's end, may come from within.
    request.leg = active.number
    request.sent = true
    if (send(active.number, { type: 'request', id, method, ...(json && { data: JSON.parse(json) as unknown }) })) return
    request.leg = null
    request.sent = sent
  }

  function pump() {
    for (const request of [...open.values()]) if (request.leg === null && open.has(request.id)) put(request)
  }

  return {
    request(method, data, { signal, timeout = TIMEOUT, idempotent = false } = {}) {
      const refuse = (code: LiveSocketErrorCode, why: string, cause?: unknown) =>
        Promise.reject(error(method, code, why, { cause }))
      if (typeof method !== 'string' || method === '' || method.length > 128)
        return refuse('invalid', explain`a method is a string of 1 to 128 characters`)
      if (!(timeout > 0)) return refuse('invalid', explain`timeout is a number of milliseconds above 0`)
      const text = data === undefined ? { json: undefined } : serialise(data)
      if ('invalid' in text) return refuse('invalid', explain`the data cannot be sent: ${text.invalid}`, text.cause)
      if (closed !== null) return refuse('closed', closed)
      if (signal?.aborted) return refuse('aborted', explain`its signal was aborted: it did not happen`, signal.reason)
      const id = newId()
      const size =
        byteLength(JSON.stringify({ type: 'request', id, method })) + (text.json ? byteLength(text.json) + 8 : 0)
      if (open.size >= maxMessages || bytes + size > maxBytes)
        return refuse(
          'outbox-full',
          explain`${open.size} requests of ${bytes} bytes wait already: see the option outbox`,
        )
      return new Promise((resolve, reject) => {
        const giveUp = (code: 'aborted' | 'timeout', why: string, cause?: unknown) => {
          const { leg } = request
          fail(request, code, why, cause)
          if (leg !== null) send(leg, { type: 'cancel', id })
        }
        const abort = () => giveUp('aborted', explain`its signal was aborted`, signal!.reason)
        const cancel =
          timeout < Infinity ? clock.setTimeout(() => giveUp('timeout', explain`its time ran out`), timeout) : undefined
        const request: Request = {
          id,
          method,
          json: text.json,
          bytes: size,
          idempotent,
          leg: null,
          sent: false,
          settle(thrown, answer) {
            open.delete(id)
            bytes -= size
            cancel?.()
            signal?.removeEventListener('abort', abort)
            if (thrown) reject(thrown)
            else resolve(answer)
          },
        }
        open.set(id, request)
        bytes += size
        signal?.addEventListener('abort', abort)
        put(request)
      })
    },
    ready(leg, maxFrame = Infinity) {
      if (leg !== active?.number) old = active
      active = { number: leg, maxFrame }
      pump()
    },
    gone(leg) {
      if (leg === active?.number) active = old
      if (leg === old?.number) old = undefined
      for (const request of [...open.values()]) {
        if (request.leg !== leg) continue
        if (request.idempotent) request.leg = null
        else fail(request, 'closed', explain`its leg ended`)
      }
      pump()
    },
    acked(id, data) {
      const request = open.get(id)
      request?.settle(null, data)
      return !!request
    },
    nacked(id, reason, message, retryAfter, data) {
      const request = open.get(id)
      request?.settle(new LiveSocketError(refusalCode(reason), message || reason, { id, reason, data, retryAfter }))
      return !!request
    },
    settled: (leg) => [...open.values()].every((request) => request.leg !== leg),
    close(message) {
      closed = message
      active = old = undefined
      for (const request of [...open.values()]) fail(request, 'closed', explain`the live socket was closed`)
    },
    open() {
      closed = null
    },
  }
}

function error(method: string, code: LiveSocketErrorCode, why: string, details?: LiveSocketErrorDetails) {
  return new LiveSocketError(code, explain`request "${method}": ${why}`, details)
}

function fail(request: Request, code: LiveSocketErrorCode, why: string, cause?: unknown) {
  const { id, method, sent } = request
  request.settle(
    sent
      ? error(method, 'outcome-unknown', explain`${why} before it was answered: it may have been applied`, {
          id,
          cause,
        })
      : error(method, code, explain`${why} before it was sent: it did not happen`, { id, cause }),
  )
}
