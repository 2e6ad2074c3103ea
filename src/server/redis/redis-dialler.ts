import { createRedisSocket, type RedisSocket, type RedisSocketDeps } from './redis-socket.js'
import type { RedisPlace } from './redis-source.js'

/**
 * Opens connections and keeps track of them all, so that none outlives its log, not even one that is still being
 * opened.
 */
export interface RedisDialler {
  /** `gone` is called once, and not after `destroy`. */
  open(place: RedisPlace, gone: (error: unknown) => void): Promise<RedisSocket>
  /** Destroys all connections; those that are being opened reject. */
  close(): void
}

export function createRedisDialler(deps: RedisSocketDeps): RedisDialler {
  const sockets = new Set<RedisSocket>()
  let closed = false

  return {
    async open(place, gone) {
      if (closed) throw new Error('closed')
      const socket = createRedisSocket(place, deps, (error) => {
        sockets.delete(tracked)
        gone(error)
      })
      const tracked: RedisSocket = {
        ...socket,
        destroy() {
          sockets.delete(tracked)
          socket.destroy()
        },
      }
      sockets.add(tracked)
      try {
        await socket.opened
        return tracked
      } catch (error) {
        tracked.destroy()
        throw error
      }
    },
    close() {
      closed = true
      for (const socket of [...sockets]) socket.destroy()
    },
  }
}
