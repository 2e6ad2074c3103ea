import type { Position } from '../protocol/frames.js'
import type { Dial, WireData } from '../protocol/protocol.js'

/** One thing to send, several in a row, or nothing. */
export type Outgoing = WireData | readonly WireData[] | null | undefined

/** What a message is, as the application will see it. */
export interface RawMessage {
  readonly topic: string
  readonly data: unknown
  /** Which of several sequences in the topic it belongs to, each in an order of its own. */
  readonly stream?: string
  /** The answer to what was asked on this leg alone: it is delivered at once, whichever leg brings it. */
  readonly alone?: boolean
  /**
   * No message: where the topic stands as a leg begins whose server does not send again what came before. What lies
   * between is told as a gap; of a topic that has not begun it is the beginning.
   */
  readonly head?: boolean
}

/**
 * What a server's own words mean. Each function is small, and asked for every piece of data; one that throws makes an
 * `invalid` event.
 */
export interface RawProtocolOptions {
  /** Names the protocol in events. Default `raw`. */
  name?: string
  /** WebSocket subprotocols to offer. Default none. */
  subprotocols?: readonly string[]
  /** What to send first on every leg: authentication, and subscriptions from `topics`. Default nothing. */
  hello?(ask: RawHello): Outgoing
  /**
   * What to dial, where the token belongs into the handshake: a query, or a subprotocol. Default: what is configured.
   */
  dial?(to: Dial, token: string | undefined): Dial
  /**
   * Whether this data says that the leg serves; an object may tell more. Without it a leg is ready when it has answered
   * a `ping` that goes out behind the `hello`, and where there is none, once it is open.
   */
  ready?(data: WireData): boolean | RawWelcome | null | undefined
  /**
   * Topics whose answers `ready` still waits for; null while it waits for something else. What is not answered in half
   * of `connectTimeout` is told, and the leg is ready without, if the server has said anything by then or answers a
   * `ping`: one slow topic is no reason to be without the others. Without this function such a leg has failed.
   */
  waiting?(): readonly string[] | null | undefined
  /** Whether this leg is ready once it is open, whatever `ready` waits for on others. */
  opened?(): boolean
  /** The server's frames in this data, where one piece may hold several, or a part of one. Default: one frame. */
  split?(data: WireData): readonly WireData[]
  /** The message in this data, or several. Data that is none of the server's other words and no message is ignored. */
  message(data: WireData): RawMessage | readonly RawMessage[] | null | undefined
  /**
   * What a leg begins with in a topic, such as how things stand there: told only where no other leg has gone on
   * meanwhile.
   */
  begins?(data: WireData): RawMessage | readonly RawMessage[] | null | undefined
  /** Whether this data asks the client to hand over. `true`: at once, to the configured URL, within 30 s. */
  handover?(data: WireData): boolean | RawHandover | null | undefined
  /**
   * What makes a message the same on another leg: with it, nothing is lost or repeated in a planned handover. It names
   * the message, not what it is about. On one leg it means nothing: what a leg brings twice is delivered twice.
   */
  identity?(message: RawMessage, data: WireData): string | null | undefined
  /**
   * The message's number in its topic: with it, the same over breaks as well, and what is missing is a gap with bounds.
   */
  position?(message: RawMessage, data: WireData): { offset: number; prev?: number; epoch?: string } | null | undefined
  /** How to ask for a sign of life. Without it silence is not noticed, and no answer can end an overlap. */
  ping?(): Outgoing
  /** Whether this data answers a ping. The server must answer in order. */
  pong?(data: WireData): boolean
  /** Whether this data says that nothing follows on the leg. */
  drained?(data: WireData): boolean
  /**
   * What to send to a leg that has been left, so that the server says `drained` behind all that it had for it: for
   * servers that answer a `ping` past what still waits in a queue. Null: a ping will do. Should the leg serve again,
   * `subscribe` is asked for all topics.
   */
  leave?(): Outgoing
  /**
   * What to send last to a leg that the client closes: a word of parting, without which the server thinks ill of it.
   */
  goodbye?(): Outgoing
  /** How to subscribe on a living leg. Default: nothing is sent; the `hello` of the next leg has it. */
  subscribe?(topics: ReadonlyMap<string, Position | null>): Outgoing
  /** The frame that ends a subscription. Absent: the server has none. */
  unsubscribe?(topics: readonly string[]): Outgoing
  /**
   * Whether this data refuses the token, and why: a fresh one is fetched at once and tried once more. The server closes
   * the leg itself.
   */
  unauthorized?(data: WireData): boolean | string | null | undefined
  /**
   * What the server means by a close code of its own: that it refuses the token, that it wants this client no more, or
   * that it may come back. Default: the table of livesocket.v1.
   */
  closed?(code: number, reason: string): 'unauthorized' | 'ended' | 'retry' | null | undefined
  /** Why this data says that the server wants this client no more, and that it must not come back by itself. */
  ended?(data: WireData): string | null | undefined
  /**
   * What in this data the application should hear of as an `invalid` event: the server's word for an error, a frame
   * that cannot be read.
   */
  invalid?(data: WireData): string | null | undefined
  /** A topic that the server refuses in this data, or has ended, or several. */
  refused?(data: WireData): RawRefusal | readonly RawRefusal[] | null | undefined
  /** How to publish. Default: text and binary data as they are, anything else as JSON. */
  publish?(message: { topic: string; data: unknown; id: string }): Outgoing
  /**
   * The answer to a publish in this data. With it a publish settles by the server's word; without it, when it is sent.
   */
  answer?(data: WireData): RawAnswer | null | undefined
  /** Whether this publish has no answer, where others have one: it is done when it is sent. */
  unanswered?(message: { topic: string; data: unknown }): boolean
  /**
   * Whether the server applies a publish once, however often it comes under the same `id`. Default false: each publish
   * is sent once, and one that is not answered in `outbox.ackTimeout`, or before its leg is gone, settles as
   * `outcome-unknown`.
   */
  dedupes?: boolean
  /** What goes back on the same leg at once: an acknowledgement, a server's ping answered. */
  reply?(data: WireData): Outgoing
  /** Whether an answer is still to come on this leg alone: an overlap waits for it, up to its limit. */
  owes?(): boolean
  /** What to tell the application of the answers that this leg owes when it goes. */
  lost?(): readonly RawMessage[]
  /** How to put a fresh token on a living leg. Default: none can be, and a fresh token means a handover. */
  auth?(token: string): Outgoing
  /**
   * Whether an overlap's end can be told. Default: with `drained`, or with `ping` and `pong`. `false` for a server that
   * begins to serve a new leg at a moment which it does not tell: both legs then live for `handover.overlapLimit`, and
   * the old one has the say until it has not brought for `holding.gapTimeout` what the new one has.
   */
  marksEnd?: boolean
  /**
   * Milliseconds for which both legs live at least in a handover, where what one server knows takes its time to reach
   * the other. It needs an end that can be told. Default 0.
   */
  leastOverlap?: number
  /** `exclusive`: the server refuses a second connection while the first lives. Default `concurrent`. */
  overlap?: 'concurrent' | 'exclusive'
}

/** What a leg begins with, for `rawProtocol` to put into frames. */
export interface RawHello {
  readonly token?: string
  readonly session: string
  /** Counts the legs of the session from 1. */
  readonly leg: number
  /** Topics with handlers, and where each stands by `position`. */
  readonly topics: ReadonlyMap<string, Position | null>
  /** The identity of the last message of a topic that came, on whichever leg: for servers that resume from it. */
  last(topic: string): string | undefined
}

/** What a server says when a leg is ready, as `rawProtocol` is told of it. */
export interface RawWelcome {
  /** Names the server process: a handover that lands on the one that asked for it is tried again. */
  readonly server?: string
  /** Milliseconds of silence that the server allows itself. */
  readonly heartbeat?: number
  readonly reconnectSpread?: number
}

/** A server’s request to hand over, as `rawProtocol` is told of it. */
export interface RawHandover {
  readonly id?: string
  readonly reason?: string
  readonly url?: string
  /** Milliseconds over which to spread the handover. Default 0. */
  readonly spread?: number
  /** Milliseconds until the server closes the leg. Default 30,000. */
  readonly deadline?: number
}

/** A topic that the server will not give, as `rawProtocol` is told of it. */
export interface RawRefusal {
  readonly topic: string
  readonly reason: string
  /** It was served until now. */
  readonly ended?: boolean
}

/** A server’s answer to a publish, as `rawProtocol` is told of it. */
export type RawAnswer =
  | { readonly id: string; readonly data?: unknown; readonly offset?: number }
  | { readonly id: string; readonly refused: string; readonly code?: string; readonly retryAfter?: number }
