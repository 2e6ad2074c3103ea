export interface Unserialisable {
  readonly invalid: string
  readonly cause?: unknown
}

export type Serialised = { readonly json: string } | Unserialisable

/** The data as JSON text, or why it has none. Throws nothing, whatever a getter or a `toJSON` does. */
export function serialise(data: unknown): Serialised {
  try {
    // Typed as a string always, and undefined for what JSON has no word for.
    const json = JSON.stringify(data) as string | undefined
    if (typeof json === 'string') return { json }
    return { invalid: `JSON has no word for ${data === undefined ? 'undefined' : `a ${typeof data}`}` }
  } catch (thrown) {
    return { invalid: thrown instanceof Error ? thrown.message : 'serialising it threw', cause: thrown }
  }
}

/** Made when they are first needed. */
let encoder: TextEncoder | undefined
let scratch: Uint8Array | undefined

/** Bytes of text in UTF-8. Encoding it, a piece at a time, is many times faster than looking at each character. */
export function byteLength(text: string): number {
  encoder ??= new TextEncoder()
  scratch ??= new Uint8Array(4_096)
  let bytes = 0
  for (let rest = text; rest !== ''; ) {
    const { read, written } = encoder.encodeInto(rest, scratch)
    bytes += written
    rest = read === rest.length ? '' : rest.slice(read)
  }
  return bytes
}
