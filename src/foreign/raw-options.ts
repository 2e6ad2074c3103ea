import type { Position } from '../protocol/frames.js'
import type { Dial, WireData } from '../protocol/protocol.js'

/** One thing to send, several in this order, or nothing. */
export type Outgoing = WireData | readonly WireData[] | null | undefined

/** A message as the application will see it. */
export interface RawMessage {
  readonly topic: string
  readonly data: unknown
  /** Which of several sequences in the topic it belongs to. Each sequence has an order of its own. */
  readonly stream?: string
  /** The answer to a request of this leg alone. It is delivered at once, whichever leg brings it. */
  readonly alone?: boolean
  /**
   * This is no message. It says where the topic is when a leg begins whose server does not send earlier messages again.
   * What lies between is reported as a gap; for a topic that has not begun, this is its beginning.
   */
  readonly head?: boolean
}

/**
 * What a server's own frames mean. Each function is small, and is called for every piece of data. If one throws, that
 * is an `invalid` event.
 */
export interface RawProtocolOptions {
  /** The name of the protocol in events. Default `raw`. */
  name?: string
  /** WebSocket subprotocols to offer. Default none. */
  subprotocols?: readonly string[]
  /** What to send first on every leg: authentication, and subscriptions from `topics`. Default nothing. */
  hello?(ask: RawHello): Outgoing
  /** What to dial, if the token belongs in the handshake: in a query, or a subprotocol. Default: what is configured. */
  dial?(to: Dial, token: string | undefined): Dial
  /**
   * Whether this data says that the leg serves; an object may tell more. Without this function a leg is ready when it
   * has answered a `ping` that is sent behind the `hello`, or, without `ping` and `pong`, once it is open.
   */
  ready?(data: WireData): boolean | RawWelcome | null | undefined
  /**
   * The topics whose answers `ready` still waits for; null while it waits for something else. Topics that are not
   * answered within half of `connectTimeout` are reported as errors, and the leg becomes ready without them, if the
   * server has sent anything by then or answers a `ping`: one slow topic is no reason to be without the others. Without
   * this function such a leg has failed.
   */
  waiting?(): readonly string[] | null | undefined
  /** Whether this leg is ready once it is open, whatever `ready` waits for on other legs. */
  opened?(): boolean
  /** The server's frames in this data, if one piece may hold several frames or a part of one. Default: one frame. */
  split?(data: WireData): readonly WireData[]
  /** The message in this data, or several. Data that no function recognises is ignored. */
  message(data: WireData): RawMessage | readonly RawMessage[] | null | undefined
  /**
   * What a leg begins with in a topic, such as its current state. It is delivered only if no other leg has gone on with
   * the topic meanwhile.
   */
  begins?(data: WireData): RawMessage | readonly RawMessage[] | null | undefined
  /** Whether this data asks the client to hand over. `true`: at once, to the configured URL, within 30 s. */
  handover?(data: WireData): boolean | RawHandover | null | undefined
  /**
   * A string that makes a message the same on another leg. With it, nothing is lost or repeated in a planned handover.
   * It must name the message, not its subject. Within one leg it has no effect: what a leg brings twice is delivered
   * twice.
   */
  identity?(message: RawMessage, data: WireData): string | null | undefined
  /**
   * The message's number in its topic. With it the same holds over breaks too, and what is missing is a gap with
   * bounds. Offsets are whole numbers; `prev`, the offset before this one, is `offset - 1` by default.
   */
  position?(message: RawMessage, data: WireData): { offset: number; prev?: number; epoch?: string } | null | undefined
  /** How to ask for a sign of life. Without it silence is not noticed, and no answer can end an overlap. */
  ping?(): Outgoing
  /** Whether this data answers a ping. The server must answer pings in their order. */
  pong?(data: WireData): boolean
  /** Whether this data says that nothing follows on the leg. */
  drained?(data: WireData): boolean
  /**
   * What to send to a leg that has been left, so that the server says `drained` after everything that it had for that
   * leg. It is for servers that answer a `ping` before messages that still wait in a queue. Null: a ping will do. If
   * the leg serves again, `subscribe` is called with all topics.
   */
  leave?(): Outgoing
  /** What to send last on a leg that the client closes, for servers that treat a close without it as a failure. */
  goodbye?(): Outgoing
  /** How to subscribe on a living leg. Default: nothing is sent, and the `hello` of the next leg has the topics. */
  subscribe?(topics: ReadonlyMap<string, Position | null>): Outgoing
  /** How to unsubscribe. Default: nothing is sent. */
  unsubscribe?(topics: readonly string[]): Outgoing
  /**
   * Whether this data refuses the token, and why. A fresh token is then fetched at once and tried once more. The server
   * closes the leg itself.
   */
  unauthorized?(data: WireData): boolean | string | null | undefined
  /**
   * What a close code of the server's own means: it refuses the token, it does not want this client any more, or the
   * client may come back. Default: the table of livesocket.v1.
   */
  closed?(code: number, reason: string): 'unauthorized' | 'ended' | 'retry' | null | undefined
  /**
   * Why this data says that the server does not want this client any more. The client then does not reconnect on its
   * own.
   */
  ended?(data: WireData): string | null | undefined
  /**
   * What in this data the application should receive as an `invalid` event: an error that the server reports, a frame
   * that cannot be read.
   */
  invalid?(data: WireData): string | null | undefined
  /** The topic, or topics, that the server refuses or ends in this data. */
  refused?(data: WireData): RawRefusal | readonly RawRefusal[] | null | undefined
  /** How to publish. Default: text and binary data as they are, anything else as JSON. */
  publish?(message: { topic: string; data: unknown; id: string }): Outgoing
  /**
   * Whether what is published may be bytes: `publish` receives them as an ArrayBuffer. Bytes within JSON are always
   * refused as `invalid`, because JSON would turn them into something else. Default true.
   */
  binary?: boolean
  /**
   * The answer to a publish in this data. With this function a publish settles when the server answers; without it,
   * when it is sent.
   */
  answer?(data: WireData): RawAnswer | null | undefined
  /** Whether this publish gets no answer, although others do. It settles when it is sent. */
  unanswered?(message: { topic: string; data: unknown }): boolean
  /**
   * Whether the server applies a publish only once, however often it arrives under the same `id`. Default false: each
   * publish is sent once, and settles as `outcome-unknown` if it is not answered within `outbox.ackTimeout` or before
   * its leg is gone.
   */
  dedupes?: boolean
  /** What to send back at once on the same leg: an acknowledgement, or the answer to a server's ping. */
  reply?(data: WireData): Outgoing
  /** Whether this leg alone still expects an answer. An overlap waits for it, up to its limit. */
  owes?(): boolean
  /** Messages for the application about the answers that this leg still owes when it ends. */
  lost?(): readonly RawMessage[]
  /** How to send a fresh token on a living leg. Default: that is impossible, and a fresh token means a handover. */
  auth?(token: string): Outgoing
  /**
   * Whether the end of an overlap can be recognised. Default: true with `drained`, or with `ping` and `pong`. Set
   * `false` for a server that begins to serve a new leg at an unknown moment. Both legs then live for
   * `handover.overlapLimit`, and the old one is authoritative until it has not brought for `holding.gapTimeout` what
   * the new one has.
   */
  marksEnd?: boolean
  /**
   * The shortest time, in milliseconds, that both legs live in a handover, for servers that learn of each other's
   * messages with a delay. It needs an end that can be recognised. From 0 to 300,000. Default 0.
   */
  leastOverlap?: number
  /** `exclusive`: the server refuses a second connection while the first one lives. Default `concurrent`. */
  overlap?: 'concurrent' | 'exclusive'
}

/** The facts from which `hello` makes a leg's first frames. */
export interface RawHello {
  readonly token?: string
  readonly session: string
  /** The number of the leg in its session, from 1. */
  readonly leg: number
  /** Topics with handlers, each with its position. Null: there is none yet, or the protocol has no `position`. */
  readonly topics: ReadonlyMap<string, Position | null>
  /** The identity of the topic's last message on any leg, for servers that resume from it. */
  last(topic: string): string | undefined
}

/** What a server tells when a leg is ready, as `ready` returns it. */
export interface RawWelcome {
  /** The name of the server process. A handover that reaches the process that asked for it is tried again. */
  readonly server?: string
  /** Milliseconds that the server may stay silent. */
  readonly heartbeat?: number
  readonly reconnectSpread?: number
}

/** A server's request to hand over, as `handover` returns it. */
export interface RawHandover {
  readonly id?: string
  readonly reason?: string
  readonly url?: string
  /** Milliseconds over which to spread the handover. Default 0. */
  readonly spread?: number
  /** Milliseconds until the server closes the leg. Default 30,000. */
  readonly deadline?: number
}

/** A topic that the server refuses or ends, as `refused` returns it. */
export interface RawRefusal {
  readonly topic: string
  readonly reason: string
  /** It was served until now. */
  readonly ended?: boolean
}

/** A server's answer to a publish, as `answer` returns it. */
export type RawAnswer =
  | { readonly id: string; readonly data?: unknown; readonly offset?: number }
  | { readonly id: string; readonly refused: string; readonly code?: string; readonly retryAfter?: number }
