export { LiveSocketError, type LiveSocketErrorCode } from '../base/errors.js'
export type { DrainOptions, DrainResult } from './drain/drain.js'
export type { RequestListener } from './drain/drain-endpoint.js'
export type { FailureCode } from './failure.js'
export type { ServerLimits } from './limits.js'
export { createLiveServer, type LiveServer } from './live-server.js'
export type { Metric } from './metrics.js'
export { memoryLog, type MemoryLog, type MemoryLogOptions } from './log/memory-log.js'
export {
  PublishRefused,
  type Authentication,
  type Authorization,
  type LiveServerOptions,
  type MaybePromise,
  type Publication,
  type SessionEvent,
  type UserFields,
  type Visibility,
} from './options.js'
export type { DedupeLimits } from './log/publish-record.js'
export type { ServerEvent } from './server-event.js'
export type { Counters, ServerStats } from './stats.js'
export type { HistoryLimits } from './log/topic-history.js'
export type { OfferedToken, RenewOptions, SessionMatch } from './identity/token-renewal.js'
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
