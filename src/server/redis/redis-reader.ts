import { brokenOff } from './redis-failure.js'
import type { RedisSocket } from './redis-socket.js'
import { runOf } from './redis-standing.js'

/** The second connection to the same Redis, for the blocking read: opened when somebody reads, and lost alone. */
export interface RedisReader {
  send(command: readonly string[]): Promise<unknown>
  destroy(): void
}

/** @param another the name has led to another Redis than the one with that run. */
export function createRedisReader(run: string, open: (gone: () => void) => Promise<RedisSocket>, another: (error: Error) => void): RedisReader {
  let opening: Promise<RedisSocket> | null = null
  let socket: RedisSocket | null = null
  let destroyed = false

  async function opened(): Promise<RedisSocket> {
    const made = await open(() => void (socket = null))
    const found = await runOf(made).catch((error: unknown) => (made.destroy(), Promise.reject(error)))
    if (found === run && !destroyed) return (socket = made)
    made.destroy()
    const error = new Error('Redis is another one than a moment ago')
    if (!destroyed) another(error)
    throw brokenOff(error)
  }

  return {
    async send(command) {
      opening ??= socket ? null : opened().finally(() => void (opening = null))
      return (socket ?? (await opening!)).send(command)
    },
    destroy() {
      destroyed = true
      socket?.destroy()
    },
  }
}
