/**
 * The frames of livesocket.v1, as described in docs/protocol.md. Client and server use these types, whatever the wire
 * format.
 */

/** The epoch and offset up to which a topic was served. */
export interface Position {
  readonly epoch: string
  readonly offset: number
}

/** From before the newest `last` of the messages that are kept. */
export interface Last {
  readonly last: number
}

/** Null means "from now on"; a position means "from there on". */
export type TopicRequest =
  | (Position & { readonly last?: undefined })
  | (Last & { readonly [Field in keyof Position]?: undefined })
  | null

/** What a client asks for, by topic. */
export type TopicRequests = ReadonlyMap<string, TopicRequest>

/**
 * What a leg serves of a topic: the messages after `after`, up to `offset` (the head), are replayed; then live messages
 * follow.
 */
export interface TopicAnswer extends Position {
  readonly after: number
}

export type TopicAnswers = ReadonlyMap<string, TopicAnswer>

/**
 * The text of the frame without its `age`, written when the data is taken. It is sent unchanged, so a field that is not
 * in it is not sent.
 */
type Text = string | undefined

export type ClientFrame =
  | {
      readonly type: 'hello'
      readonly session: string
      readonly leg: number
      readonly token?: string | undefined
      readonly topics: TopicRequests
      readonly handover?: string | undefined
      /** Milliseconds without any frame from the server after which the client stops waiting for its welcome. */
      readonly timeout?: number | undefined
    }
  | { readonly type: 'subscribe'; readonly id: string; readonly topics: TopicRequests }
  | { readonly type: 'unsubscribe'; readonly topics: readonly string[] }
  | {
      readonly type: 'publish'
      readonly id: string
      readonly topic: string
      readonly n?: number | undefined
      readonly data: unknown
      /** The data as JSON text, if it was kept in that form. */
      readonly json?: string | undefined
      readonly text?: Text
      readonly age?: number | undefined
    }
  | {
      readonly type: 'request'
      readonly id: string
      readonly method: string
      readonly data?: unknown
      readonly text?: Text
    }
  | {
      readonly type: 'signal'
      readonly id: string
      readonly topic: string
      readonly data?: unknown
      readonly text?: Text
    }
  /** The answer to that request is no longer awaited. */
  | { readonly type: 'cancel'; readonly id: string }
  | { readonly type: 'auth'; readonly token: string }
  /** The handover of that request is delayed: the dialled server is busy for `retryAfter` milliseconds. */
  | { readonly type: 'delayed'; readonly id: string; readonly retryAfter?: number | undefined }
  | { readonly type: 'ping' }
  /**
   * To a foreign server only: the client is about to close this leg, and `drained` should report when nothing more
   * follows on it. Not on the wire of livesocket.v1.
   */
  | { readonly type: 'leave' }

export interface WelcomeFrame {
  readonly type: 'welcome'
  readonly server: string
  readonly topics: TopicAnswers
  readonly heartbeat?: number | undefined
  readonly tokenTtl?: number | undefined
  readonly maxFrame?: number | undefined
  readonly reconnectSpread?: number | undefined
}

export interface MessageFrame {
  readonly type: 'message'
  readonly topic: string
  readonly offset: number
  /** Always present after decoding; if it is absent on the wire it is `offset − 1`. */
  readonly prev: number
  /** Absent: the frame only advances the position. `hasData` distinguishes that from data that is `undefined`. */
  readonly data?: unknown
  readonly hasData: boolean
  /** The id of the publish, if this session published the message. */
  readonly id?: string | undefined
  /** Who published it, if the server tells. */
  readonly by?: unknown
  /**
   * From a foreign server that does not number its messages: a key by which the same message is recognised on another
   * leg; null for a message without such a key.
   */
  readonly identity?: string | null
  /** From a foreign server that names its epoch in each message. */
  readonly epoch?: string | undefined
  /** From a foreign server: the sequence within the topic to which the message belongs. Absent: the only one. */
  readonly stream?: string | undefined
  /** From a foreign server: the answer to a question asked on this leg, which no other leg receives. */
  readonly alone?: boolean
  /**
   * From a foreign server: a message that every leg begins with, such as a snapshot. Delivered only if no other leg
   * serves.
   */
  readonly opening?: boolean
  /**
   * From a foreign server: not a message, but the position at which the topic starts on a leg that receives nothing
   * older.
   */
  readonly head?: boolean
}

/** Sent to the sessions that have the topic subscribed at that moment: not numbered, not stored, and never repeated. */
export interface SignalFrame {
  readonly type: 'signal'
  /** Assigned by the server: the same on both legs of a handover. */
  readonly id: string
  readonly topic: string
  readonly data: unknown
  readonly by?: unknown
}

export interface HandoverFrame {
  readonly type: 'handover'
  readonly id: string
  readonly reason: string
  readonly url?: string | undefined
  readonly spread?: number | undefined
  readonly deadline: number
}

export interface ErrorFrame {
  readonly type: 'error'
  readonly code: string
  readonly message: string
  readonly topic?: string | undefined
  readonly id?: string | undefined
  readonly retryAfter?: number | undefined
  /** The client adds a random part of this to `retryAfter`. Absent: a random part of its usual reconnection spread. */
  readonly spread?: number | undefined
}

export interface AckFrame {
  readonly type: 'ack'
  readonly id: string
  readonly offset?: number | undefined
  readonly epoch?: string | undefined
  readonly data?: unknown
}

export interface NackFrame {
  readonly type: 'nack'
  readonly id: string
  readonly code: string
  readonly message: string
  readonly data?: unknown
  readonly retryAfter?: number | undefined
}

export type ServerFrame =
  | WelcomeFrame
  | { readonly type: 'subscribed'; readonly id?: string | undefined; readonly topics: TopicAnswers }
  | MessageFrame
  | SignalFrame
  | AckFrame
  | NackFrame
  | { readonly type: 'authed'; readonly tokenTtl?: number | undefined }
  | { readonly type: 'token'; readonly token: string; readonly tokenTtl?: number | undefined }
  | HandoverFrame
  | { readonly type: 'handover-cancelled'; readonly id: string }
  | ErrorFrame
  | { readonly type: 'pong'; readonly reconnectSpread?: number | undefined }
  /** From a foreign server only: nothing more follows on this leg. Not on the wire of livesocket.v1. */
  | { readonly type: 'drained' }

/** Why a frame changed no state: what was wrong with it, in words, and its topic, if it named one. */
export interface Rejected {
  readonly invalid: string
  readonly topic?: string | undefined
}

export const SUBPROTOCOL = 'livesocket.v1'
