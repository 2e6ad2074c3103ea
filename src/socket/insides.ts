import type { Emitter } from '../base/emitter.js'
import type { LiveSocketEvents } from '../handover/events.js'
import type { FoldSource } from './fold-options.js'
import type { Published } from '../publishes/outbox.js'
import type { StreamSource } from './stream.js'

/** What happens to a live socket: for the application, and for functions that take the socket alone. */
export interface InsideEvents extends LiveSocketEvents {
  /** The application publishes. The promise bears the `id` that the message will have, where it has one. */
  publish: {
    readonly topic: string
    readonly data: unknown
    readonly outcome: Promise<Published> & { readonly id?: string }
  }
}

/** What functions that take a live socket may know of it beyond its methods. */
export interface Insides extends FoldSource, StreamSource {
  readonly subscriptions: FoldSource['subscriptions']
  readonly events: Pick<Emitter<InsideEvents>, 'on'>
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
