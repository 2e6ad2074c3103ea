export { createLiveSocket } from './socket/whole-socket.js'
export { fold, stream } from './socket/reading.js'
export type { CoreSocket, LiveSocket, LiveSocketStats, SubscribeOptions } from './socket/live-socket.js'
export type { Message, MessageInfo } from './topics/message.js'
export type { StreamOptions } from './socket/stream.js'
export type { FoldOptions } from './socket/fold-options.js'
export type { LoadSnapshot, Snapshot } from './socket/snapshot-load.js'
export type { SchemaInputs, SchemaOutputs, TopicSchemas } from './topics/topic-schema.js'
export { LiveSocketError } from './base/errors.js'
export type { LiveSocketErrorCode } from './base/errors.js'
export type { Clock, Random } from './base/clock.js'
export type { Environment, HandoverRequest, LiveSocketOptions, TopicTypes, UrlAsk } from './options/options.js'
export type { LiveSocketEvents } from './handover/events.js'
export type { Gap } from './topics/gap.js'
export type { LastError } from './handover/outage.js'
export type { LiveSocketState, ReadableStore } from './socket/store.js'
export type { TopicStatus } from './topics/subscriptions.js'
export type { GetToken } from './tokens/token-part.js'
export type { TokenResult } from './policy/token-answer.js'
export type { Published, PublishOptions } from './publishes/outbox.js'
export type { RequestOptions } from './requests/requests.js'
export type { SignalInfo } from './signals/signals.js'
export type { MethodAnswer, MethodData, MethodSchema, MethodSchemas, MethodTypes } from './protocol/method-types.js'
export type { Last, Position } from './protocol/frames.js'
export type { Protocol } from './protocol/protocol.js'
export { livesocketV1 } from './topics/livesocket-v1.js'
export { rawProtocol } from './foreign/raw.js'
export type {
  RawAnswer,
  RawHandover,
  RawHello,
  RawMessage,
  RawProtocolOptions,
  RawRefusal,
  RawWelcome,
} from './foreign/raw.js'
