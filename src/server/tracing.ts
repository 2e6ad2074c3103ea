import { callOut, type OnError } from './reporter.js'

/** What a span says, as OpenTelemetry takes it. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** One thing that a server does, from its beginning to its end. */
export interface Span {
  /** Runs a function in it: what is begun in there, by whichever library, belongs to this span. */
  run<Result>(task: () => Result): Result
  /** `failed`: why it did not do what it was for. */
  end(outcome: { readonly attributes: SpanAttributes; readonly failed?: string }): void
}

/** Where spans go: see `openTelemetry` of `livesocket/server/opentelemetry`. */
export interface Tracing {
  /** Begins a span: `livesocket.publish`, `livesocket.request` or `livesocket.handover`. */
  begin(name: string, attributes: SpanAttributes): Span
}

interface Answered {
  readonly type: 'ack' | 'nack'
  /** Of a nack. */
  readonly code?: string
  readonly message?: string
}

/** The server's own failures: whatever else a client is refused is as it should be. */
const FAILURES = new Set(['error', 'outcome-unknown', 'busy'])

/** Answers a client within a span, which ends with what the answer is. `answer` never rejects. */
export async function traceAnswer<Answer extends Answered>(span: Span, answer: () => Promise<Answer>): Promise<Answer> {
  const answered = await span.run(answer)
  endWith(span, answered)
  return answered
}

function endWith(span: Span, { code = 'ack', message = '' }: Answered) {
  span.end({ attributes: { 'livesocket.outcome': code }, ...(FAILURES.has(code) && { failed: message }) })
}

/**
 * The same, and what it throws is told and changes nothing: what was to be done in a span is done once, in it or
 * without.
 */
export function harmless(tracing: Tracing, onError: OnError): Tracing {
  const failed = (thrown: unknown) => onError(thrown, 'tracing')
  return {
    begin(name, attributes) {
      let span: Span | undefined
      callOut(() => void (span = tracing.begin(name, attributes)), failed)
      return {
        run<Result>(task: () => Result): Result {
          let done: { readonly result: Result } | undefined
          const once = () => (done ??= { result: task() }).result
          callOut(() => span?.run(once), failed)
          return once()
        },
        end: (outcome) => callOut(() => span?.end(outcome), failed),
      }
    },
  }
}
