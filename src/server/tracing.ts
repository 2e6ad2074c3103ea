import { callOut, type OnError } from './reporter.js'

/** The attributes of a span, as OpenTelemetry takes them. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** One thing that a server does, from its beginning to its end. */
export interface Span {
  /** Runs a function inside the span: spans that any library begins in there become its children. */
  run<Result>(task: () => Result): Result
  /** Ends the span. `failed` says why the operation failed; absent if it succeeded. */
  end(outcome: { readonly attributes: SpanAttributes; readonly failed?: string }): void
}

/** Where spans go: see `openTelemetry` of `livesocket/server/opentelemetry`. */
export interface Tracing {
  /** Begins a span: `livesocket.publish`, `livesocket.request` or `livesocket.handover`. */
  begin(name: string, attributes: SpanAttributes): Span
}

interface Answered {
  readonly type: 'ack' | 'nack'
  /** Only for a nack. */
  readonly code?: string
  readonly message?: string
}

/** The codes of the server's own failures. Any other refusal of a client is normal operation. */
const FAILURES = new Set(['error', 'outcome-unknown', 'busy'])

/** Answers a client within a span, which ends with the code of the answer. `answer` never rejects. */
export async function traceAnswer<Answer extends Answered>(span: Span, answer: () => Promise<Answer>): Promise<Answer> {
  const answered = await span.run(answer)
  endWith(span, answered)
  return answered
}

function endWith(span: Span, { code = 'ack', message = '' }: Answered) {
  span.end({ attributes: { 'livesocket.outcome': code }, ...(FAILURES.has(code) && { failed: message }) })
}

/**
 * A tracing whose errors are reported and change nothing: the task of a span runs exactly once, in the span or without
 * it.
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
