import { urlAlphabet } from 'nanoid'
import { systemRandom } from './clock.js'

const LENGTH = 21

/**
 * A name that nobody else has and that cannot be guessed, as nanoid makes them. React Native has no `crypto` of its own:
 * there `Math.random` draws it, unless the application has brought one.
 */
export function newId(): string {
  return createIds(1)()
}

/** Such names for who needs many: to ask the platform for the bytes of each costs more than all else of a publish. */
export function createIds(atOnce = 32): () => string {
  let bytes = new Uint8Array()
  let used = 0
  return () => {
    if (used === bytes.length) {
      bytes = new Uint8Array(atOnce * LENGTH)
      bytes = globalThis.crypto?.getRandomValues(bytes) ?? bytes.map(() => systemRandom() * 256)
      used = 0
    }
    let id = ''
    for (const end = used + LENGTH; used < end; used++) id += urlAlphabet[bytes[used]! & 63]
    return id
  }
}
