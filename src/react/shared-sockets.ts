import type { LiveSocketOptions } from '../handover/options.js'
import { createHeldSocket, keyOf, type HeldSocket } from './held-socket.js'

/** Sockets that components share by key. */
export interface SharedSockets {
  /** The one in use under the key of these options; else an inert one. Safe in a render that comes to nothing. */
  find(options: LiveSocketOptions): HeldSocket
  /** The one that is in use under this one's key: this one, unless another was there first. */
  settle(found: HeldSocket): HeldSocket
}

/**
 * What a render made and nobody came to hold must not stay, neither for renders that React threw away nor on a server: so
 * the registry itself keeps nothing alive. Those who hold a socket do, and the timer of its last moment.
 */
export function createSharedSockets(): SharedSockets {
  const sockets = new Map<string, WeakRef<HeldSocket>>()
  const present = (key: string) => sockets.get(key)?.deref()

  return {
    find(options) {
      const key = keyOf(options)
      const known = present(key)
      if (known && (known.held || known.fits(options))) return known
      for (const [name, ref] of sockets) if (!ref.deref()) sockets.delete(name)
      const made = createHeldSocket(options, () => {
        if (present(key) === made) sockets.delete(key)
      })
      sockets.set(key, new WeakRef(made))
      return made
    },
    settle(found) {
      const known = present(found.key)
      if (known?.held) return known
      sockets.set(found.key, new WeakRef(found))
      return found
    },
  }
}
