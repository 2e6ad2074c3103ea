import type { ClientFrame, Rejected, ServerFrame } from './frames.js'

/** What goes over a WebSocket. */
export type WireData = string | ArrayBuffer

/** Puts frames on the wire of one leg and reads them off it. */
export interface Codec {
  /** What to send for that frame, in that order; null where the protocol has nothing for it. Throws nothing. */
  encode(frame: ClientFrame): WireData | readonly WireData[] | null
  /** The frames that this data bears: none where it means nothing to us. Throws nothing. */
  decode(data: WireData): readonly ServerFrame[] | Rejected
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
  /** One codec a leg. */
  open(): Codec
}
