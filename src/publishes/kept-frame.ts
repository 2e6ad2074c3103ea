import { explain } from '../base/explanation.js'
import { bytesOf, isBytes } from '../protocol/bytes.js'
import { frameBytes, frameText } from '../protocol/client-frames.js'
import { serialise, type Serialised } from '../protocol/json.js'
import { unsendable, type Said } from './refusal.js'

/** The data of a frame as it was when it was given: JSON text, which nobody reads who need not, or bytes, or nothing. */
class KeptData {
  constructor(
    readonly text: string,
    readonly kept: string | ArrayBuffer | undefined,
  ) {}

  get json(): string | undefined {
    return typeof this.kept === 'string' ? this.kept : undefined
  }

  get data(): unknown {
    return typeof this.kept === 'string' ? JSON.parse(this.kept) : this.kept
  }

  /** Of the whole frame, without `age`. */
  get bytes(): number {
    return frameBytes(this) + (typeof this.kept === 'object' ? this.kept.byteLength : 0)
  }
}

/**
 * A frame with a copy of the data, as the application may change its own. Throws `invalid` for what cannot be sent; only
 * a request may have no data. `binary`: bytes are taken.
 */
export function keep<Head extends Said>(head: Head, data: unknown, binary?: boolean): Head & KeptData {
  const kept = data === undefined && head.method ? { json: data } : copied(data, binary)
  if ('invalid' in kept) throw unsendable(head, kept)
  const { json } = kept
  return Object.assign(new KeptData(frameText(head, typeof json === 'object' ? '' : json), json), head)
}

function copied(data: unknown, binary: boolean | undefined): Serialised | { readonly json: ArrayBuffer } {
  if (!isBytes(data)) return serialise(data)
  if (!binary) return { invalid: explain`this protocol carries JSON, and the data is binary` }
  return { json: bytesOf(data) }
}
