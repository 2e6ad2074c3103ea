import type { ClientFrame, Rejected, ServerFrame } from './frames.js'

/** What goes over a WebSocket. */
export type WireData = string | ArrayBuffer

/** Puts frames on the wire of one leg and reads them off it. */
export interface Codec {
  /** What to send for that frame, in that order; null where the protocol has nothing for it. Throws nothing. */
  encode(frame: ClientFrame): WireData | readonly WireData[] | Rejected | null
  /** The frames that this data bears: none where it means nothing to us. Throws nothing. */
  decode(data: WireData): readonly ServerFrame[] | Rejected
  /** What goes back on the same leg at once: asked after each `decode`, before its frames are dealt with. Throws nothing. */
  replies?(): readonly WireData[]
  /** Whether this leg still owes an answer that no other leg can give: the overlap waits for it, up to its limit. */
  owes?(): boolean
  /** What to tell the application of answers that this leg owes when it is gone. */
  lost?(): readonly ServerFrame[]
  /** What the opening of the socket itself says, once the hello is on its way: a welcome, where a server has no word for it. */
  opened?(): readonly ServerFrame[]
}

/** How a kind of server is spoken to. `livesocketV1()` is the full one; `rawProtocol()` presents any other server. */
export interface Protocol {
  readonly name: string
  /** Offered in the WebSocket handshake. */
  readonly subprotocols: readonly string[]
  /** By what two legs are merged, and so which promise is kept. `log`: the server numbers, answers from where it serves, and replays. */
  readonly merge: 'log' | 'position' | 'identity' | 'none'
  /** `exclusive`: the server refuses a second connection while the first lives, so a move is the shortest break instead. */
  readonly overlap: 'concurrent' | 'exclusive'
  /** Whether a live leg takes a fresh token; else a fresh token means a handover. */
  readonly inBandAuth: boolean
  /** Whether the server answers publishes; else a publish is done when it is sent. */
  readonly acknowledges: boolean
  /** Whether a `ping` is answered, in order: without it nothing tells a silent leg from a dead one. */
  readonly pings: boolean
  /** Whether it can be told when a leg has no more to bring: by an answered ping, or by a word of the server's. */
  readonly marksEnd: boolean
  /** Whether a publish may be binary; else it is JSON. */
  readonly binary: boolean
  /** One codec a leg. */
  open(): Codec
}
