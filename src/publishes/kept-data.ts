import { explain } from '../base/explanation.js'
import { byteLength, serialise } from '../protocol/json.js'
import type { PublishFrame } from './outbox-contract.js'

/** A publish on its way, whose data stays the text that it was kept as where nobody wants to read it. */
export class KeptPublish implements PublishFrame {
  readonly type = 'publish'

  constructor(
    readonly id: string,
    readonly topic: string,
    readonly n: number,
    readonly json: string,
    readonly age: number | undefined,
  ) {}

  get data(): unknown {
    return JSON.parse(this.json)
  }
}

/** Of the frame without its id, topic, number and data. */
const FRAME_BYTES = '{"type":"publish","id":"","topic":,"n":,"data":}'.length

export function frameBytes(id: string, topic: string, n: number, kept: string | ArrayBuffer): number {
  return FRAME_BYTES + id.length + byteLength(JSON.stringify(topic)) + String(n).length + bytesOf(kept)
}

type Kept = { readonly kept: string | ArrayBuffer } | { readonly invalid: string; readonly cause?: unknown }

export function isBinary(data: unknown): data is ArrayBuffer | ArrayBufferView {
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data)
}

/** A copy, as the application may change its own. */
export function keepBinary(data: ArrayBuffer | ArrayBufferView, taken = false): Kept {
  if (!taken) return { invalid: explain`this protocol carries JSON, and the data is binary` }
  const bytes =
    data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return { kept: bytes.slice().buffer }
}

export function keepJson(data: unknown): Kept {
  const text = serialise(data)
  return 'invalid' in text ? text : { kept: text.json }
}

function bytesOf(kept: string | ArrayBuffer): number {
  return typeof kept === 'string' ? byteLength(kept) : kept.byteLength
}
