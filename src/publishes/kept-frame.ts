import { explain } from '../base/explanation.js'
import { bytesOf, isBytes } from '../protocol/bytes.js'
import { frameStart } from '../protocol/client-frames.js'
import { byteLength, serialise, type Serialised } from '../protocol/json.js'
import { unsendable, type Said } from './refusal.js'

/** The data of a frame as it was when it was given: JSON text, which nobody reads who need not, or bytes, or nothing. */
class KeptData {
  constructor(
    readonly text: string,
    readonly kept: string | ArrayBuffer | undefined,
    /** Of the whole frame, without `age`. */
    readonly bytes: number,
  ) {}

  get json(): string | undefined {
    return typeof this.kept === 'string' ? this.kept : undefined
  }

  get data(): unknown {
    return typeof this.kept === 'string' ? JSON.parse(this.kept) : this.kept
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
  const start = frameStart(head, json !== undefined)
  const text = typeof json === 'string' ? json : ''
  // Each piece by itself: to count them as one text copies them into one, which is kept beside them.
  const bytes = byteLength(start) + '}'.length + (typeof json === 'object' ? json.byteLength : byteLength(text))
  return Object.assign(new KeptData(start + text, json, bytes), head)
}

function copied(data: unknown, binary: boolean | undefined): Serialised | { readonly json: ArrayBuffer } {
  if (!isBytes(data)) return serialise(data)
  if (!binary) return { invalid: explain`this protocol carries JSON, and the data is binary` }
  return { json: bytesOf(data) }
}
