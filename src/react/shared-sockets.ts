import { keyOf } from '../options/settings.js'
import { createHeldSocket, differing, type HeldOptions, type HeldSocket } from './held-socket.js'

/**
 * The socket that is in use under the key of these options; else `own`, which was found before, or where there is none an
 * inert one. A render that React throws away and begins again, as one that waits, finds the same one.
 */
export type FindSocket = (options: HeldOptions, own?: HeldSocket) => HeldSocket

/**
 * What a render made and nobody came to hold must not stay, neither for renders that React threw away nor on a server:
 * so this keeps nothing alive. Those who hold a socket do, and the timer of its last moment.
 */
export function createSharedSockets(): FindSocket {
  /**
   * By WebSocket class, and in it by key: what tests and stories simulate shares nothing with the real world, or with
   * each other.
   */
  const worlds = new WeakMap<object, Map<string, WeakRef<HeldSocket>>>()
  return (options, own) => {
    const key = keyOf(options)
    if (key === null) return own ?? createHeldSocket(options)
    const by = (options.environment?.WebSocket ?? worlds) as object
    const world = worlds.get(by) ?? new Map<string, WeakRef<HeldSocket>>()
    const known = world.get(key)?.deref()
    if (known && (known.held ?? (!own && differing(known.options, options).length === 0))) return known
    for (const [name, ref] of world) if (!ref.deref()) world.delete(name)
    const found = own ?? createHeldSocket(options)
    worlds.set(by, world.set(key, new WeakRef(found)))
    return found
  }
}
