import { brokenOff } from './redis-failure.js'
import type { RedisSocket } from './redis-socket.js'
import { termOf } from './redis-info.js'
import { OtherTerm } from './roll-call.js'

/** Another connection to the same Redis, for a blocking read: opened when somebody reads, and lost alone. */
export interface RedisReader {
  send(command: readonly string[]): Promise<unknown>
  destroy(): void
}

/** @param another called if the name leads to another Redis than the one with that term. */
export function createRedisReader(
  term: string | null,
  open: (gone: () => void) => Promise<RedisSocket>,
  another: (error: Error) => void,
): RedisReader {
  let opening: Promise<RedisSocket> | null = null
  let socket: RedisSocket | null = null
  let destroyed = false

  async function opened(): Promise<RedisSocket> {
    const made = await open(() => void (socket = null))
    const found = await termOf(made).catch((error: unknown) => (made.destroy(), Promise.reject(error)))
    if (found === term && !destroyed) return (socket = made)
    made.destroy()
    const error = new OtherTerm()
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
