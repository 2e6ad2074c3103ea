export { LiveSocketError, type LiveSocketErrorCode } from '../base/errors.js'
export type { DrainOptions, DrainResult } from './drain/drain-options.js'
export type { ReplacedOptions } from './drain/replaced-watch.js'
export type { FailureCode } from './failure.js'
export type { ServerLimits } from './limits.js'
export { createLiveServer, type LiveServer } from './live-server.js'
export type { Metric } from './metric.js'
export type { MetricsRegistry } from './metrics-registry.js'
export type { Distribution } from './distribution.js'
export type { Timings } from './timings.js'
export type { Span, SpanAttributes, Tracing } from './tracing.js'
export { memoryLog, type MemoryLog, type MemoryLogOptions } from './log/memory-log.js'
export type { LiveServerOptions } from './options.js'
export type { Authentication } from './identity/authenticator.js'
export type { UserFields } from './identity/identity.js'
export type { Authorization } from './identity/permission.js'
export type { Visibility } from './filter.js'
export type { SessionEvent } from './session-event.js'
export type { MaybePromise } from './maybe-promise.js'
export type { PresenceOption } from './presence/shown-user.js'
export type { Member, MemberConnection } from '../protocol/members.js'
export type { Publication } from './publishes/publisher.js'
export { PublishRefused } from './publishes/publish-refusal.js'
export type { OnRequest, Request } from './request.js'
export { RequestRefused } from './request-refusal.js'
export { Refused } from './refused.js'
export type {
  AnsweredMethods,
  AskedMethods,
  MethodAnswer,
  MethodData,
  MethodSchema,
  MethodSchemas,
  MethodTypes,
} from '../protocol/method-types.js'
export type { Mint, SessionPick } from './identity/token-renewal.js'
export type { News, NewsChannel, OrderNews, SessionName, SignalNews } from './log/news.js'
export type { DedupeLimits } from './log/publish-record.js'
export type { RequestListener } from './request-listener.js'
export type { LegName, ServerEvent } from './server-event.js'
export type { Counters } from './counters.js'
export type { ServerStats } from './stats.js'
export type { HistoryLimits } from './log/topic-history.js'
export type { OfferedToken, RenewOptions, SessionMatch } from './identity/token-renewal.js'
export type { Attendance, AttendanceChanges, AttendanceList, Departure } from './log/attendance.js'
export type {
  Ack,
  Admission,
  Answer,
  Json,
  LogEntry,
  LogPage,
  LogStatus,
  Nack,
  NewEntry,
  Origin,
  PageLimit,
  PresenceChange,
  Recorded,
  TailEvent,
  TopicHead,
  TopicLog,
} from './log/topic-log.js'
