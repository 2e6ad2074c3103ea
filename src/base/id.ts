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
export function createIds(atOnce = 100): () => string {
  let names = ''
  let used = 0
  return () => {
    if (used === names.length) {
      const drawn = new Uint8Array(atOnce * LENGTH)
      const bytes = globalThis.crypto?.getRandomValues(drawn) ?? drawn.map(() => systemRandom() * 256)
      for (let at = 0; at < bytes.length; at++) bytes[at] = urlAlphabet.charCodeAt(bytes[at]! & 63)
      // Character by character each name would be a chain of texts.
      names = String.fromCharCode.apply(null, bytes as unknown as number[])
      used = 0
    }
    return names.slice(used, (used += LENGTH))
  }
}
