import type { Clock } from '../base/clock.js'
import type { LACKING } from './lacking.js'
import type { ClientFrame, ErrorFrame, Rejected, ServerFrame } from './frames.js'

/** What goes over a WebSocket. */
export type WireData = string | ArrayBuffer

/** A leg, as its codec may use it beside what it is asked. */
export interface Line {
  readonly clock: Clock
  /** Puts this on the wire. False: it is not open. */
  put(data: WireData | readonly WireData[]): boolean
  /** The server says so, as if that frame had come. */
  accept(frame: ServerFrame): void
  /** Something is not what it must be, and nothing has changed by it. */
  invalid(rejected: Rejected): void
  /** Milliseconds until so many times `connectTimeout` have passed since it was dialled: 0 from then on. */
  timeLeft(times: number): number
}

/** Puts frames on the wire of one leg and reads them off it. */
export interface Codec {
  /** What to send for that frame, in that order; null where the protocol has nothing for it. Throws nothing. */
  encode(frame: ClientFrame): WireData | readonly WireData[] | null
  /** The frame that this data bears, or several: none where it means nothing to us. Throws nothing. */
  decode(data: WireData): ServerFrame | Rejected | readonly (ServerFrame | Rejected)[]
  /** What was encoded for that frame is on its way. Throws nothing. */
  written?(frame: ClientFrame): void
  /** Whether this leg still owes an answer that no other leg can give: the overlap waits for it, up to its limit. */
  owes?(): boolean
  /** The leg is over. What to tell the application of answers that it owes. */
  lost?(): readonly ServerFrame[]
  /** What a close code of the server's own means, as the error that livesocket.v1 has for it. */
  closed?(code: number, reason: string): ErrorFrame | undefined
  /** What a leg is told last, where it is the client that closes it. */
  goodbye?(): readonly WireData[]
}

/** What a leg is dialled with. */
export interface Dial {
  readonly url: string
  readonly subprotocols: readonly string[]
}

/** How a kind of server is spoken to. `livesocketV1()` is the full one; `rawProtocol()` presents any other server. */
export interface Protocol {
  readonly name: string
  /** Offered in the WebSocket handshake. */
  readonly subprotocols: readonly string[]
  /**
   * By what two legs are merged, and so which promise is kept. `log`: the server numbers, answers from where it serves,
   * and replays.
   */
  readonly merge: 'log' | 'position' | 'identity' | 'none'
  /**
   * `exclusive`: the server refuses a second connection while the first lives, so a handover is the shortest break
   * instead.
   */
  readonly overlap: 'concurrent' | 'exclusive'
  /** Whether a live leg takes a fresh token; else a fresh token means a handover. */
  readonly inBandAuth: boolean
  /** Whether the server answers publishes; else a publish is done when it is sent. */
  readonly acknowledges: boolean
  /**
   * Whether the server applies a publish once, however often it comes. Else it is sent once, and unanswered its fate is
   * told as unknown.
   */
  readonly dedupes: boolean
  /** Whether the token has a place in what is sent. */
  readonly takesToken: boolean
  /** Whether a `ping` is answered, in order: without it nothing tells a silent leg from a dead one. */
  readonly pings: boolean
  /** Milliseconds over which clients come back where neither the server nor the application has said it. */
  readonly reconnectSpread?: number
  /**
   * While the page is hidden and its timers run late: calls `look` often enough for pings that keep the connection from
   * being cut as idle; returns the undo. Absent: the server asks before it cuts.
   */
  tickWhileHidden?(clock: Clock, look: () => void): () => void
  /** Whether a publish may be binary; else it is JSON. */
  readonly binary: boolean
  /** Where the handshake itself bears the token: what to dial instead. Throws nothing. */
  dial?(to: Dial, token: string | undefined): Dial
  /** For the parts of a live socket that this kind of server knows nothing of. Absent: it knows them all. */
  readonly lacking?: typeof LACKING
  /** Makes what merges the messages of its legs. Whose protocol it is knows of what. */
  readonly createMerge: (deps: never, handlers: never) => unknown
  /** One codec a leg. */
  open(line: Line): Codec
}
