/** The data as JSON text, or why it has none. Throws nothing, whatever a getter or a `toJSON` does. */
export function serialise(
  data: unknown,
): { readonly json: string } | { readonly invalid: string; readonly cause?: unknown } {
  try {
    // Typed as a string always, and undefined for what JSON has no word for.
    const json = JSON.stringify(data) as string | undefined
    if (typeof json === 'string') return { json }
    return { invalid: `JSON has no word for ${data === undefined ? 'undefined' : `a ${typeof data}`}` }
  } catch (thrown) {
    return { invalid: thrown instanceof Error ? thrown.message : 'serialising it threw', cause: thrown }
  }
}

/** Bytes of well-formed text in UTF-8; what JSON.stringify gives is well-formed always. */
export function byteLength(text: string): number {
  let bytes = text.length
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    // A pair of surrogates is two units and four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}
