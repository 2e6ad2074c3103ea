import { urlAlphabet } from 'nanoid'
import { systemRandom } from './clock.js'

const LENGTH = 21

/**
 * A unique id that cannot be guessed, made like nanoid's. React Native has no `crypto` of its own: there `Math.random`
 * supplies the bytes, unless the application has installed a `crypto`.
 */
export function newId(): string {
  return createIds(1)()
}

/**
 * The same ids for code that needs many: asking the platform for the bytes of each one would cost more than everything
 * else about a publish.
 */
export function createIds(atOnce = 100): () => string {
  let names = ''
  let used = 0
  return () => {
    if (used === names.length) {
      const drawn = new Uint8Array(atOnce * LENGTH)
      const bytes = globalThis.crypto?.getRandomValues(drawn) ?? drawn.map(() => systemRandom() * 256)
      for (let at = 0; at < bytes.length; at++) bytes[at] = urlAlphabet.charCodeAt(bytes[at]! & 63)
      // Built character by character, each id would be a chain of strings in memory.
      names = String.fromCharCode.apply(null, bytes as unknown as number[])
      used = 0
    }
    return names.slice(used, (used += LENGTH))
  }
}
