import type { LiveSocketOptions } from '../options/options.js'
import { createHeldSocket, differing, keyOf, type HeldSocket } from './held-socket.js'

/** Finds the socket of these options. `own`: what was found before. Safe in a render that comes to nothing. */
export type FindSocket = (options: LiveSocketOptions, own?: HeldSocket) => HeldSocket

/** One of the caller's own. */
export const ownSocket: FindSocket = (options, own = createHeldSocket(options)) => own

/**
 * By WebSocket class, and in it by key: what tests and stories simulate shares nothing with the real world, or with
 * each other. Two copies of this module on a page, of two versions perhaps, each keep their own and share nothing.
 *
 * What a render made and nobody came to hold must not stay, neither for renders that React threw away nor on a server:
 * so these keep nothing alive. Those who hold a socket do, and the timer of its last moment.
 */
const worlds = new WeakMap<object, Map<string, WeakRef<HeldSocket>>>()

/** The one that is in use under the key of these options; else `own`, or where there is none an inert one. */
export const sharedSocket: FindSocket = (options, own) => {
  const key = keyOf(options)
  if (key === null) return ownSocket(options, own)
  const by = (options.environment?.WebSocket ?? worlds) as object
  const world = worlds.get(by) ?? new Map<string, WeakRef<HeldSocket>>()
  const known = world.get(key)?.deref()
  if (known && (known.held || (!own && differing(known.options, options).length === 0))) return known
  for (const [name, ref] of world) if (!ref.deref()) world.delete(name)
  // While it is held no other one is there.
  const found = own ?? createHeldSocket(options, () => world.delete(key))
  worlds.set(by, world.set(key, new WeakRef(found)))
  return found
}
