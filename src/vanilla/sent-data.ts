import { byteLength } from '../protocol/json.js'

/** What a WebSocket sends. */
export type Sendable = string | ArrayBuffer | ArrayBufferView | Blob

/** What is given, or its text. */
export function sendable(data: Sendable): Sendable {
  return data instanceof Blob || data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? data : String(data)
}

/** Bytes as they are now: what is sent is what was given. */
export function copied(data: string | ArrayBuffer | ArrayBufferView): string | ArrayBuffer {
  if (typeof data === 'string') return data
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
  return bytes.slice().buffer
}

export function sizeOf(data: Sendable): number {
  if (typeof data === 'string') return byteLength(data)
  return data instanceof Blob ? data.size : data.byteLength
}
