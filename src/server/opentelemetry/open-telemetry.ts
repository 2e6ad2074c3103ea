import { context, SpanKind, SpanStatusCode, trace, type TracerProvider } from '@opentelemetry/api'
import type { Tracing } from '../tracing.js'

/**
 * For the option `tracing` of `createLiveServer`: spans by OpenTelemetry, of the tracer `livesocket`.
 *
 * - `livesocket.publish`: from a publish's turn to its answer.
 * - `livesocket.request`: from the call of its handler to the answer.
 * - `livesocket.handover`: from asking a leg to hand over to its end.
 *
 * What `authorize`, `onPublish` and a method of `onRequest` begin is within the span, where the SDK has a context
 * manager. Topics, methods and ids of sessions are attributes, `livesocket.outcome` says what came of it; no message,
 * no token and no user is in them.
 *
 * @param provider where the spans go. Default: the global one, also where it is registered later.
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
