/**
 * The frames of livesocket.v1, as docs/protocol.md has them. Both halves speak in these types, whatever is on the wire.
 */

/** The epoch and offset up to which a topic was served. */
export interface Position {
  readonly epoch: string
  readonly offset: number
}

/** From before the newest so many messages of those that are kept. */
export interface Last {
  readonly last: number
}

/** Null is from now on, a position is from there on. */
export type TopicRequest =
  | (Position & { readonly last?: undefined })
  | (Last & { readonly [Field in keyof Position]?: undefined })
  | null

/** What a client asks of topics. */
export type TopicRequests = ReadonlyMap<string, TopicRequest>

/**
 * What a leg serves of a topic: what is after `after` and up to `offset` (the head) is replayed, then live messages
 * follow.
 */
export interface TopicAnswer extends Position {
  readonly after: number
}

export type TopicAnswers = ReadonlyMap<string, TopicAnswer>

/**
 * The frame without its `age`, as it is written when the data is taken: it goes over the wire as it is, and whatever is
 * not in it does not.
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
      /** Milliseconds without a word of the server after which the client no longer waits for its welcome. */
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
      /** The data as JSON text, where it was kept as that. */
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
  /** Nobody waits for the answer to that request any more. */
  | { readonly type: 'cancel'; readonly id: string }
  | { readonly type: 'auth'; readonly token: string }
  /** The handover of that request waits: the server that was dialled is busy, for so many milliseconds. */
  | { readonly type: 'delayed'; readonly id: string; readonly retryAfter?: number | undefined }
  | { readonly type: 'ping' }
  /** To a foreign server: the leg is left, and `drained` is to tell when nothing follows on it. Not on the wire of livesocket.v1. */
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
  /** Always present after decoding: absent on the wire it is `offset − 1`. */
  readonly prev: number
  /** Absent: the frame only advances the position. `hasData` tells that apart from data that is `undefined`. */
  readonly data?: unknown
  readonly hasData: boolean
  /** That of the publish, where this session published it. */
  readonly id?: string | undefined
  /** Who published it, where the server tells. */
  readonly by?: unknown
  /**
   * Of a foreign server that does not number: what makes the message the same on another leg; null for one that nothing
   * names.
   */
  readonly identity?: string | null
  /** Of a foreign server that names its numbering in each message. */
  readonly epoch?: string | undefined
  /** Of a foreign server: to which of the topic's sequences it belongs. Absent: to the only one. */
  readonly stream?: string | undefined
  /** Of a foreign server: the answer to what was asked on this leg, which no other leg brings. */
  readonly alone?: boolean
  /** Of a foreign server: what a leg begins with, such as how things stand. Told only where no other leg serves. */
  readonly opening?: boolean
  /** Of a foreign server: no message, but where the topic is as a leg begins that is not sent what came before. */
  readonly head?: boolean
}

/** Said to those who have the topic subscribed at that moment: not numbered, not stored, and never repeated. */
export interface SignalFrame {
  readonly type: 'signal'
  /** The server's own: the same on both legs of a handover. */
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
  /** What a client adds to `retryAfter` is a random part of this. Absent: of what it spreads any reconnection over. */
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
  /** Of a foreign server: nothing follows on this leg. Not on the wire of livesocket.v1. */
  | { readonly type: 'drained' }

/** Why a frame changed nothing: what was wrong with it, in words, and the topic where it named one. */
export interface Rejected {
  readonly invalid: string
  readonly topic?: string | undefined
}

export const SUBPROTOCOL = 'livesocket.v1'
