import type { FoldSource } from './fold-options.js'
import type { Published } from '../publishes/outbox.js'
import type { StreamSource } from './stream.js'

/** Told of each publish, at once: its promise bears the `id` that its message will have. */
export type PublishListener = (
  topic: string,
  data: unknown,
  outcome: Promise<Published> & { readonly id?: string },
) => void

/** What functions that take a live socket may know of it beyond its methods. */
export interface Insides extends FoldSource, StreamSource {
  readonly subscriptions: FoldSource['subscriptions']
  publishing: Set<PublishListener> | null
}

const inside = new WeakMap<object, Insides>()

export function setInsides(socket: object, of: Insides) {
  inside.set(socket, of)
}

/** Undefined for what we have not made. */
export function insidesOf(socket: object): Insides | undefined {
  return inside.get(socket)
}

/**
 * The session that the socket is in: another one from the moment at which it ends. Undefined for what we have not made.
 */
export function sessionOf(socket: object): unknown {
  return insidesOf(socket)?.session
}

/** Tells of everything that the socket publishes from now on; returns the undo. */
export function ownPublishes(socket: object, listener: PublishListener): () => void {
  const of = insidesOf(socket)
  if (of) (of.publishing ??= new Set()).add(listener)
  return () => void of?.publishing?.delete(listener)
}
