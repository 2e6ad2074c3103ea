import { SpanKind, SpanStatusCode, trace, type Attributes, type Span, type TracerProvider } from '@opentelemetry/api'
import type { LiveSocketError } from '../base/errors.js'
import { tellUncaught } from '../base/uncaught.js'
import { OWN_METHOD } from '../protocol/own-methods.js'
import { insidesOf } from '../socket/insides.js'
import type { LiveConnection } from '../socket/live-connection.js'
import type { CoreSocket } from '../socket/live-socket.js'

/** Outcomes that are no failure: the server refused, or nobody waits any more. */
const MEANT = new Set(['refused', 'forbidden', 'aborted'])
/** Except for these reasons: the server's own failures. */
const FAILURES = new Set(['error', 'busy'])
/** Why a handover did not happen although nothing is wrong. */
const QUIET = new Set(['cancelled', 'superseded'])

/**
 * Records spans of what a live socket does, with the OpenTelemetry tracer `livesocket`:
 *
 * - `livesocket.publish`: from `publish` to its answer, including the wait for a connection.
 * - `livesocket.request`: from `request` to its answer. Requests of `history` and presence have none.
 * - `livesocket.handover`: from the dial of the new leg to the end of the old one, with the event `cutover`.
 *
 * Topics, methods, legs and reasons are attributes, and `livesocket.outcome` is the outcome. No message, token or URL
 * is recorded. The parent of a span is the span that is active where `publish` or `request` is called.
 *
 * It records until the returned function is called. Until then `request` of the socket is replaced: take it from the
 * socket at each call.
 *
 * @param socket the live socket; with the `live` of a `LiveWebSocket` only handovers have spans.
 * @param provider where the spans go. Default: the global provider, even if it is registered later.
 */
export function openTelemetry(
  socket: LiveConnection & Partial<Pick<CoreSocket<any, any, any>, 'request'>>,
  provider: Pick<TracerProvider, 'getTracer'> = trace,
): () => void {
  const tracer = provider.getTracer('livesocket')
  const handovers = new Map<string, Span | undefined>()

  const begin = (name: string, kind: SpanKind, attributes: Attributes) =>
    harmless(() => tracer.startSpan(name, { kind, attributes }))
  function end(span: Span | undefined, outcome: string, failed: boolean) {
    harmless(() => {
      span?.setAttribute('livesocket.outcome', outcome)
      if (failed) span?.setStatus({ code: SpanStatusCode.ERROR, message: outcome })
      span?.end()
    })
  }
  const answered = (span: Span | undefined) => end(span, 'ack', false)
  const refused = (span: Span | undefined, { code, reason = code }: LiveSocketError) =>
    end(span, reason, !MEANT.has(code) || FAILURES.has(reason))
  function ended(id: string, outcome: string, failed = false) {
    const span = handovers.get(id)
    handovers.delete(id)
    end(span, outcome, failed)
  }

  const { request } = socket
  let isUndone = false
  const traced: typeof request = (method, ...args) => {
    const asked = request!(method, ...args)
    // Code that took the function from the socket may still call it after the undo. A method that is no name is refused
    // by the socket itself.
    if (isUndone || typeof method !== 'string' || method.startsWith(OWN_METHOD)) return asked
    const span = begin('livesocket.request', SpanKind.CLIENT, { 'livesocket.method': method })
    return asked.then(
      (answer) => {
        answered(span)
        return answer
      },
      (error: LiveSocketError) => {
        refused(span, error)
        throw error
      },
    )
  }
  if (request) socket.request = traced

  const undos = [
    () => {
      isUndone = true
      if (socket.request === traced) socket.request = request
    },
    insidesOf(socket)?.events.on('publish', ({ topic, outcome }) => {
      const span = begin('livesocket.publish', SpanKind.PRODUCER, { 'livesocket.topic': topic })
      outcome.then(
        () => answered(span),
        (error: LiveSocketError) => refused(span, error),
      )
    }),
    socket.on('handover-started', ({ id, reason, from, to, overlap }) => {
      ended(id, 'superseded')
      const attributes = {
        'livesocket.reason': reason,
        'livesocket.from': from,
        'livesocket.to': to,
        'livesocket.overlap': overlap,
      }
      handovers.set(id, begin('livesocket.handover', SpanKind.INTERNAL, attributes))
    }),
    socket.on('cutover', ({ id }) => harmless(() => handovers.get(id)?.addEvent('cutover'))),
    socket.on('handover-finished', ({ id }) => ended(id, 'handed-over')),
    socket.on('handover-failed', ({ id, why }) => ended(id, why, !QUIET.has(why))),
    socket.store.subscribe(({ status }) => {
      if (status === 'closed') for (const id of [...handovers.keys()]) ended(id, 'closed')
    }),
  ]
  return () => {
    for (const undo of undos) undo?.()
    for (const id of [...handovers.keys()]) ended(id, 'untold')
  }
}

/** An exception of the tracer is reported, and changes nothing of what its span is about. */
function harmless<Result>(act: () => Result): Result | undefined {
  try {
    return act()
  } catch (thrown) {
    tellUncaught(thrown)
    return undefined
  }
}
