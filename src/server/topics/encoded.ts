/**
 * A text frame of RFC 6455 as it goes over the wire. A server masks nothing, so the same bytes serve every socket: they
 * are encoded once and written unchanged. This needs connections without extensions, which ours are.
 */
export type Encoded = Buffer

/** FIN, and the opcode of a text frame. */
const TEXT = 0x81
/** Lengths up to this fit in one byte; the two values above it announce 2 or 8 more bytes. */
const SHORT = 125
const MIDDLE = 0xffff

export function encodeText(text: string): Encoded {
  const length = Buffer.byteLength(text)
  const head = length <= SHORT ? 2 : length <= MIDDLE ? 4 : 10
  const bytes = Buffer.allocUnsafe(head + length)
  bytes[0] = TEXT
  if (head === 2) bytes[1] = length
  else if (head === 4) {
    bytes[1] = SHORT + 1
    bytes.writeUInt16BE(length, 2)
  } else {
    bytes[1] = SHORT + 2
    bytes.writeUInt32BE(0, 2)
    bytes.writeUInt32BE(length, 6)
  }
  bytes.write(text, head)
  return bytes
}

/** The text inside the frame, for a layer that makes frames itself. */
export function payloadOf(frame: Encoded): Buffer {
  const length = frame[1]!
  return frame.subarray(length <= SHORT ? 2 : length === SHORT + 1 ? 4 : 10)
}
