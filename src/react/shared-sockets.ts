import type { LiveSocketOptions } from '../options/options.js'
import { createHeldSocket, differing, keyOf, type HeldSocket } from './held-socket.js'

/** Sockets that components share by key. */
export interface SharedSockets {
  /**
   * The one in use under the key of these options; else, and where they have none, an inert one. Safe in a render that
   * comes to nothing.
   */
  find(options: LiveSocketOptions): HeldSocket
  /** The one that is in use under this one's key: this one, unless another was there first. */
  inUse(found: HeldSocket): HeldSocket
}

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

  function worldOf({ environment }: LiveSocketOptions) {
    const by = typeof environment?.WebSocket === 'function' ? environment.WebSocket : worlds
    const world = worlds.get(by) ?? new Map<string, WeakRef<HeldSocket>>()
    worlds.set(by, world)
    return world
  }

  function put(world: Map<string, WeakRef<HeldSocket>>, held: HeldSocket): HeldSocket {
    if (held.key !== null) world.set(held.key, new WeakRef(held))
    return held
  }

  return {
    find(options) {
      const world = worldOf(options)
      const key = keyOf(options)!
      const known = world.get(key)?.deref()
      if (known && (known.held || differing(known.options, options).length === 0)) return known
      for (const [name, ref] of world) if (!ref.deref()) world.delete(name)
      // While it is held no other one is there.
      return put(
        world,
        createHeldSocket(options, () => world.delete(key)),
      )
    },
    inUse(found) {
      const world = worldOf(found.options)
      const known = world.get(found.key!)?.deref()
      return known?.held ? known : put(world, found)
    },
  }
}
