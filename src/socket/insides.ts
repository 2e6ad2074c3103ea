import type { FoldSource } from './fold-options.js'
import type { Published } from '../publishes/outbox.js'
import type { StreamSource } from './stream.js'

/** What functions that take a live socket may know of it beyond its methods. */
export type Insides = FoldSource & StreamSource

/** Told of each publish, at once: its promise bears the `id` that its message will have. */
export type PublishListener = (
  topic: string,
  data: unknown,
  outcome: Promise<Published> & { readonly id?: string },
) => void

interface Inside {
  readonly session: unknown
  publishing: Set<PublishListener> | null
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

/** Tells of everything that the socket publishes from now on; returns the undo. */
export function ownPublishes(socket: object, listener: PublishListener): () => void {
  const of = inside.get(socket)
  if (of) (of.publishing ??= new Set()).add(listener)
  return () => void of?.publishing?.delete(listener)
}
