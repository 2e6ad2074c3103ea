export { openTelemetry } from './open-telemetry.js'
export type { Span, SpanAttributes, Tracing } from '../tracing.js'
