import { context, SpanKind, SpanStatusCode, trace, type TracerProvider } from '@opentelemetry/api'
import type { Tracing } from '../tracing.js'

/**
 * Creates the option `tracing` of `createLiveServer`: spans by OpenTelemetry, from the tracer `livesocket`.
 *
 * - `livesocket.publish`: from a publish's turn to its answer.
 * - `livesocket.request`: from the call of its handler to the answer.
 * - `livesocket.handover`: from asking a leg to hand over to its end.
 *
 * Spans that `authorize`, `onPublish` or a handler of `onRequest` begin are children of the span, if the SDK has a
 * context manager. Topics, methods and session ids are attributes, and `livesocket.outcome` is the result. Messages,
 * tokens and users are not included.
 *
 * @param provider where the spans go. Default: the global one, even if it is registered later.
 */
export function openTelemetry(provider: Pick<TracerProvider, 'getTracer'> = trace): Tracing {
  const tracer = provider.getTracer('livesocket')
  return {
    begin(name, attributes) {
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes })
      return {
        run: (task) => context.with(trace.setSpan(context.active(), span), task),
        end({ attributes, failed }) {
          span.setAttributes(attributes)
          if (failed !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failed })
          span.end()
        },
      }
    },
  }
}
