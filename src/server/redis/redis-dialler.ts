import { createRedisSocket, type RedisSocket, type RedisSocketDeps } from './redis-socket.js'
import type { RedisPlace } from './redis-source.js'

/**
 * Opens connections, and knows of all that there are, so that none outlives its log: not one that is still being opened
 * either.
 */
export interface RedisDialler {
  /** `gone` is told once, and not after `destroy`. */
  open(place: RedisPlace, gone: (error: unknown) => void): Promise<RedisSocket>
  /** Destroys all; what is being opened rejects. */
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
