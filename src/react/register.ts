import type { LiveSocket } from '../socket/live-socket.js'
import type { TopicTypes } from '../options/options.js'

/**
 * Augmented once, it types every hook of an application, by its topics or by its socket:
 *
 * ```ts
 * declare module 'livesocket/react' {
 *   interface Register { topics: { prices: Price; chat: Message } }
 * }
 * ```
 * ```ts
 * declare module 'livesocket/react' {
 *   interface Register { socket: typeof socket }
 * }
 * ```
 */
export interface Register {}

/** The topics that `Register` names; without it any name, with `unknown` data. */
export type RegisteredTopics = Register extends { topics: infer Topics extends object }
  ? Topics
  : Register extends { socket: infer Socket }
    ? TopicsOf<Socket>
    : TopicTypes

/** What may be published to them: that differs from what they bear where schemas transform. */
export type RegisteredInputs = Register extends { topics: infer Topics extends object }
  ? Topics
  : Register extends { socket: infer Socket }
    ? InputsOf<Socket>
    : TopicTypes

export type TopicsOf<Socket> = Socket extends LiveSocket<infer Topics, infer _Inputs> ? Topics : never
export type InputsOf<Socket> = Socket extends LiveSocket<infer _Topics, infer Inputs> ? Inputs : never

/**
 * A socket of these topics, whatever it publishes. The `any` is what lets TypeScript find `Topics` in the type of a
 * socket.
 */
export type SocketOf<Topics extends object> = LiveSocket<Topics, any>

export type TopicName<Topics> = keyof Topics & string
