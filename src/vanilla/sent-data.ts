/** Bytes as they are now: what is sent is what was given. */
export function copied(data: string | ArrayBuffer | ArrayBufferView): string | ArrayBuffer {
  if (typeof data === 'string') return data
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
  return bytes.slice().buffer
}

export function sizeOf(data: string | ArrayBuffer | ArrayBufferView | Blob): number {
  if (typeof data === 'string') return new TextEncoder().encode(data).length
  return data instanceof Blob ? data.size : data.byteLength
}
