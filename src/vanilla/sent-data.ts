import { isBytes } from '../protocol/bytes.js'
import { byteLength } from '../protocol/json.js'

/** What a WebSocket sends. */
export type Sendable = string | ArrayBuffer | ArrayBufferView | Blob

/** A Blob or bytes as they are; anything else as its text. */
export function sendable(data: Sendable): Sendable {
  return data instanceof Blob || isBytes(data) ? data : String(data)
}

export function sizeOf(data: Sendable): number {
  if (typeof data === 'string') return byteLength(data)
  return data instanceof Blob ? data.size : data.byteLength
}
