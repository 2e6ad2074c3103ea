import type { FoldSource } from './fold.js'
import type { StreamSource } from './stream.js'

/** What functions that take a live socket may know of it beyond its methods. */
export type Insides = FoldSource & StreamSource

interface Inside {
  readonly session: unknown
  insides(): Insides
}

const inside = new WeakMap<object, Inside>()

export function setInsides(socket: object, of: Inside) {
  inside.set(socket, of)
}

/** Undefined for what we have not made. */
export function insidesOf(socket: object): Insides | undefined {
  return inside.get(socket)?.insides()
}

/**
 * The session that the socket is in: another one from the moment at which it ends. Undefined for what we have not made.
 */
export function sessionOf(socket: object): unknown {
  return inside.get(socket)?.session
}
