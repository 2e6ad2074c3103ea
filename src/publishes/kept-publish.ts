import { explain } from '../base/explanation.js'
import { frameBytes, frameText } from '../protocol/client-frames.js'
import { serialise, type Serialised } from '../protocol/json.js'
import type { PublishFrame } from './outbox-contract.js'

/** A publish whose data is what it was when it was published: JSON text, which nobody reads who need not, or bytes. */
export class KeptPublish implements PublishFrame {
  readonly type = 'publish'
  readonly text: string

  constructor(
    readonly id: string,
    readonly topic: string,
    readonly n: number,
    readonly kept: string | ArrayBuffer,
  ) {
    this.text = frameText({ type: this.type, id, topic, n }, this.json ?? '')
  }

  get json(): string | undefined {
    return typeof this.kept === 'string' ? this.kept : undefined
  }

  get data(): unknown {
    return typeof this.kept === 'string' ? JSON.parse(this.kept) : this.kept
  }

  /** Of the whole frame, without `age`. */
  get bytes(): number {
    return frameBytes(this) + (typeof this.kept === 'string' ? 0 : this.kept.byteLength)
  }
}

/** A copy of the data, as the application may change its own. `binary`: bytes are taken. */
export function keep(data: unknown, binary: boolean | undefined): Serialised | { readonly json: ArrayBuffer } {
  if (!(data instanceof ArrayBuffer || ArrayBuffer.isView(data))) return serialise(data)
  if (!binary) return { invalid: explain`this protocol carries JSON, and the data is binary` }
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
  // Of bytes that threads share the slice is the sender's own: no socket takes shared ones.
  return { json: bytes.slice().buffer }
}
