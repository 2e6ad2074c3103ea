import type { Clock } from '../base/clock.js'
import type { Copied } from './json.js'
import type { LACKING } from './lacking.js'
import type { ClientFrame, ErrorFrame, Rejected, ServerFrame } from './frames.js'

/** Data that a WebSocket carries. */
export type WireData = string | ArrayBuffer

/** What a codec may use of its leg, besides encoding and decoding. */
export interface Line {
  readonly clock: Clock
  /** Sends the data. False: the leg is not open. */
  put(data: WireData | readonly WireData[]): boolean
  /** Handles `frame` as if it had arrived from the server. */
  accept(frame: ServerFrame): void
  /** Reports something invalid that changed no state. */
  invalid(rejected: Rejected): void
  /** Milliseconds until `times` times `connectTimeout` have passed since the dial: 0 from then on. */
  timeLeft(times: number): number
}

/** Writes the frames of one leg to the wire and reads them from it. */
export interface Codec {
  /** What to send for that frame, in that order; null if the protocol has no equivalent. Never throws. */
  encode(frame: ClientFrame): WireData | readonly WireData[] | null
  /** The frame or frames in this data; none if the data means nothing to the client. Never throws. */
  decode(data: WireData): ServerFrame | Rejected | readonly (ServerFrame | Rejected)[]
  /** What was encoded for that frame has been sent. Never throws. */
  written?(frame: ClientFrame): void
  /** Whether this leg still owes an answer that no other leg can give. The overlap waits for it, up to its limit. */
  owes?(): boolean
  /** The leg has ended. Returns what to tell the application about the answers that the leg still owes. */
  lost?(): readonly ServerFrame[]
  /** The meaning of a close code of this kind of server, as the equivalent error of livesocket.v1. */
  closed?(code: number, reason: string): ErrorFrame | undefined
  /** What to send last on a leg that the client closes. */
  goodbye?(): readonly WireData[]
}

/** The arguments of a dial. */
export interface Dial {
  readonly url: string
  readonly subprotocols: readonly string[]
}

/** How to talk to one kind of server. `livesocketV1()` is the complete one; `rawProtocol()` adapts any other server. */
export interface Protocol {
  readonly name: string
  /** Offered in the WebSocket handshake. */
  readonly subprotocols: readonly string[]
  /**
   * By what the messages of two legs are merged, and so which promises hold. `log`: the server numbers messages, says
   * from where a leg serves, and replays.
   */
  readonly merge: 'log' | 'position' | 'identity' | 'none'
  /**
   * `exclusive`: the server refuses a second connection while the first one lives, so a handover is a break, as short
   * as possible.
   */
  readonly overlap: 'concurrent' | 'exclusive'
  /** Whether a live leg accepts a fresh token; otherwise a fresh token causes a handover. */
  readonly inBandAuth: boolean
  /** Whether the server answers publishes; otherwise a publish is done when it is sent. */
  readonly acknowledges: boolean
  /**
   * Whether the server applies a publish once, however often it arrives. Otherwise it is sent only once, and without an
   * answer its outcome is reported as unknown.
   */
  readonly dedupes: boolean
  /** Whether anything that is sent contains the token. */
  readonly takesToken: boolean
  /** Whether a `ping` is answered, in order: without that, a silent leg cannot be told from a dead one. */
  readonly pings: boolean
  /** Milliseconds over which clients reconnect if neither the server nor the application says. */
  readonly reconnectSpread?: number
  /**
   * For a hidden page, whose timers run late: calls `look` often enough that its pings keep the connection from being
   * cut as idle; returns the undo. Absent: the server pings before it cuts.
   */
  tickWhileHidden?(clock: Clock, look: () => void): () => void
  /** Copies the data of a publish, which may have bytes in it. Absent: a publish is JSON. Never throws. */
  readonly copy?: (data: unknown) => Copied
  /** If the handshake itself carries the token: what to dial instead. Never throws. */
  dial?(to: Dial, token: string | undefined): Dial
  /**
   * Stand-ins for the parts of a live socket that this kind of server does not support. Absent: it supports them all.
   */
  readonly lacking?: typeof LACKING
  /**
   * Creates the merge of its legs' messages. The parameters are typed `never` here because each protocol knows its own.
   */
  readonly createMerge: (deps: never, handlers: never) => unknown
  /** Creates the codec of one leg. */
  open(line: Line): Codec
}
