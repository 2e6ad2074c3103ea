import { urlAlphabet } from 'nanoid'
import { systemRandom } from './clock.js'

/**
 * A name that nobody else has and that cannot be guessed, as nanoid makes them. React Native has no `crypto` of its own:
 * there `Math.random` draws it, unless the application has brought one.
 */
export function newId(): string {
  let id = ''
  const bytes = new Uint8Array(21)
  for (const byte of globalThis.crypto?.getRandomValues(bytes) ?? bytes.map(() => systemRandom() * 256))
    id += urlAlphabet[byte & 63]
  return id
}
