import type { LiveSocketOptions } from '../options/options.js'
import { createHeldSocket, differing, keyOf, type HeldSocket } from './held-socket.js'

/**
 * Sockets that components share by key. Gives the one that is in use under the key of these options; else `own`, a
 * former answer, or where there is none an inert one. Safe in a render that comes to nothing.
 */
export type SharedSockets = (options: LiveSocketOptions, own?: HeldSocket) => HeldSocket

/**
 * What a render made and nobody came to hold must not stay, neither for renders that React threw away nor on a server:
 * so the registry itself keeps nothing alive. Those who hold a socket do, and the timer of its last moment.
 */
export function createSharedSockets(): SharedSockets {
  /**
   * By WebSocket class, and in it by key: what tests and stories simulate shares nothing with the real world, or with
   * each other.
   */
  const worlds = new WeakMap<object, Map<string, WeakRef<HeldSocket>>>()

  return (options, own) => {
    const { environment } = options
    const by = typeof environment?.WebSocket === 'function' ? environment.WebSocket : worlds
    const world = worlds.get(by) ?? new Map<string, WeakRef<HeldSocket>>()
    const key = keyOf(options)!
    const known = world.get(key)?.deref()
    if (known && (known.held || (!own && differing(known.options, options).length === 0))) return known
    for (const [name, ref] of world) if (!ref.deref()) world.delete(name)
    // While it is held no other one is there.
    const held = own ?? createHeldSocket(options, () => world.delete(key))
    if (held.key !== null) worlds.set(by, world.set(key, new WeakRef(held)))
    return held
  }
}
