export interface Unserialisable {
  readonly invalid: string
  readonly cause?: unknown
}

export type Serialised = { readonly json: string } | Unserialisable

/** A copy of data: JSON text, or a value with so many bytes in it. */
export type Copied = Serialised | { readonly whole: unknown; readonly bytes: number; readonly json?: undefined }

/** What `JSON.stringify` calls for each value, with the object that has it as `this`. */
export type Replacer = (this: Record<string, unknown>, name: string, value: unknown) => unknown

/** The data as JSON text, or why it has none. Never throws, whatever a getter or a `toJSON` does. */
export function serialise(data: unknown, replacer?: Replacer): Serialised {
  try {
    // TypeScript says `string`, but the result is undefined for a value that JSON cannot express.
    const json = JSON.stringify(data, replacer) as string | undefined
    if (typeof json === 'string') return { json }
    return { invalid: `JSON cannot express ${data === undefined ? 'undefined' : `a ${typeof data}`}` }
  } catch (thrown) {
    return { invalid: thrown instanceof Error ? thrown.message : 'serialising it threw', cause: thrown }
  }
}

/** Created on first use. */
let encoder: TextEncoder | undefined
let scratch: Uint8Array | undefined

/**
 * The length of a text in UTF-8 bytes. Encoding it piece by piece is many times faster than looking at each character.
 */
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
