import { keyOf } from '../options/settings.js'
import { createHeldSocket, differing, type HeldOptions, type HeldSocket } from './held-socket.js'

/**
 * Finds the socket that is in use under the key of these options. Otherwise it returns `own`, which was found before,
 * or makes an inert one. A render that React discards and repeats, as it does for one that suspends, finds the same
 * socket.
 */
export type FindSocket = (options: HeldOptions, own?: HeldSocket) => HeldSocket

/**
 * A socket that a render has made and nobody came to hold must not stay: neither after a render that React discards nor
 * on a server. So this keeps nothing alive. Holders keep a socket alive, and so does the timer that closes it.
 */
export function createSharedSockets(): FindSocket {
  /**
   * By WebSocket class, and then by key: simulated sockets of tests and stories share nothing with real ones, or with
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
