import type { FoldSource } from './fold.js'
import type { StreamSource } from './stream.js'

/** What functions that take a live socket may know of it beyond its methods. */
export type Insides = FoldSource & StreamSource

const insides = new WeakMap<object, Insides>()

export function setInsides(socket: object, of: Insides) {
  insides.set(socket, of)
}

/** Undefined for what we have not made. */
export function insidesOf(socket: object): Insides | undefined {
  return insides.get(socket)
}

/**
 * The session that the socket is in: another one from the moment at which it ends. Undefined for what we have not made.
 */
export function sessionOf(socket: object): unknown {
  return insides.get(socket)?.session()
}
