import type { LiveSocket } from '../socket/live-socket.js'
import type { MethodTypes } from '../protocol/method-types.js'
import type { TopicTypes } from '../options/options.js'

/**
 * Augment it once to type every hook of an application, by its topics or by its socket:
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

/** The topics that `Register` names. Without it any name is a topic, with `unknown` data. */
export type RegisteredTopics = Register extends { topics: infer Topics extends object }
  ? Topics
  : Register extends { socket: infer Socket }
    ? TopicsOf<Socket>
    : TopicTypes

/** The data that may be published, by topic. It differs from the data of messages where schemas transform. */
export type RegisteredInputs = Register extends { topics: infer Topics extends object }
  ? Topics
  : Register extends { socket: infer Socket }
    ? InputsOf<Socket>
    : TopicTypes

/** The topic types of a socket. */
export type TopicsOf<Socket> = Socket extends LiveSocket<infer Topics, any, any> ? Topics : never
/** What can be published through a socket, by topic. */
export type InputsOf<Socket> = Socket extends LiveSocket<any, infer Inputs, any> ? Inputs : never

/** The methods that the server can be asked, if `Register` names `methods` or a socket that has them. */
export type RegisteredMethods = Register extends { methods: infer Methods extends object }
  ? Methods
  : Register extends { socket: infer Socket }
    ? MethodsOf<Socket>
    : MethodTypes

/** The methods that can be asked through a socket. */
export type MethodsOf<Socket> = Socket extends LiveSocket<any, any, infer Methods> ? Methods : never

/**
 * A socket with these topics, whatever it publishes. The `any` lets TypeScript find `Topics` in the type of a socket.
 */
export type SocketOf<Topics extends object> = LiveSocket<Topics, any, any>

/** The name of a topic, or of a method, that the socket's types have. */
export type TopicName<Topics> = keyof Topics & string
