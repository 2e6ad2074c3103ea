import { explain } from '../base/explanation.js'
import { encodeClientFrame } from '../protocol/client-frames.js'
import { FrameReader } from '../protocol/frame-reader.js'
import { SUBPROTOCOL, type ClientFrame, type Rejected, type ServerFrame } from '../protocol/frames.js'
import type { Codec, Protocol, WireData } from '../protocol/protocol.js'
import { createMerge } from './merge.js'

/**
 * The full protocol of docs/protocol.md: offsets decide the merge, tokens are renewed in band, publishes are answered.
 */
export function livesocketV1(): Protocol {
  return {
    name: SUBPROTOCOL,
    subprotocols: [SUBPROTOCOL],
    merge: 'log',
    overlap: 'concurrent',
    inBandAuth: true,
    acknowledges: true,
    dedupes: true,
    takesToken: true,
    pings: true,
    createMerge,
    open: () => new LegCodec(),
  }
}

const NOTHING: readonly ServerFrame[] = []

class LegCodec implements Codec {
  readonly #frames = new FrameReader()

  encode(frame: ClientFrame): WireData | null {
    try {
      return encodeClientFrame(frame)
    } catch {
      // Only data that JSON cannot express gets here, and `publish` rejects such data before queuing it.
      return null
    }
  }

  decode(data: WireData): ServerFrame | Rejected | readonly ServerFrame[] {
    if (typeof data !== 'string') return { invalid: explain`a frame must be text, this one is binary` }
    return this.#frames.read(data) ?? NOTHING
  }
}
