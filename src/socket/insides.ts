import type { Emitter } from '../base/emitter.js'
import type { LiveSocketEvents } from '../handover/events.js'
import type { FoldSource } from './fold-options.js'
import type { Published } from '../publishes/outbox.js'
import type { StreamSource } from './stream.js'

/** What happens to a live socket: events for the application, and for functions that take the socket. */
export interface InsideEvents extends LiveSocketEvents {
  /** The application publishes. The promise has the `id` that the message will have, if it will have one. */
  publish: {
    readonly topic: string
    readonly data: unknown
    readonly outcome: Promise<Published> & { readonly id?: string }
  }
}

/** What functions that take a live socket may use of it beyond its methods. */
export interface Insides extends FoldSource, StreamSource {
  readonly subscriptions: FoldSource['subscriptions']
  readonly events: Pick<Emitter<InsideEvents>, 'on'>
}

const inside = new WeakMap<object, Insides>()

export function setInsides(socket: object, of: Insides) {
  inside.set(socket, of)
}

/** Undefined for an object that this copy of livesocket has not made. */
export function insidesOf(socket: object): Insides | undefined {
  return inside.get(socket)
}

/**
 * Identifies the session that the socket is in; as soon as a session ends this is a different value. Undefined for an
 * object that this copy of livesocket has not made.
 */
export function sessionOf(socket: object): unknown {
  return insidesOf(socket)?.session
}
