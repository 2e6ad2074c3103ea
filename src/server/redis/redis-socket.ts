import { createClient } from 'redis'
import { createAlarm } from '../../base/alarm.js'
import type { Clock } from '../../base/clock.js'
import { brokenOff, refusedBy, replyCode } from './redis-failure.js'

/** What `createClient` of the package `redis` makes, as far as it is used: it is never connected itself, only copied. */
export interface RedisTemplate {
  duplicate(overrides?: object): RedisTemplate
  readonly options?: object
}

/** One connection to Redis. It never reconnects: whoever has it learns of its end. */
export interface RedisSocket {
  /** Rejects with `brokenOff` where the connection dies first, with `refusedBy` where Redis says no. */
  send(command: readonly string[]): Promise<unknown>
  /** Nothing answered for `patience`, although something was asked: it is dead. Blocking commands are longer. */
  destroy(): void
}

interface Client {
  connect(): Promise<unknown>
  sendCommand(command: readonly string[]): Promise<unknown>
  destroy(): void
  on(event: string, listener: (error: unknown) => void): unknown
  readonly isOpen: boolean
}

export interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** Opens one, or rejects. `gone` is told once, and not after `destroy`. */
export async function openRedisSocket(
  from: { readonly url?: string; readonly client?: RedisTemplate; readonly at?: RedisAddress },
  { clock, patience, gone }: { clock: Clock; patience: number; gone(error: unknown): void },
): Promise<RedisSocket> {
  const template = (from.client ?? createClient({ url: from.url })) as RedisTemplate
  const { socket, commandOptions } = (template.options ?? {}) as { socket?: object; commandOptions?: object }
  const client = template.duplicate({
    // It is in `socket` already, and would be read again.
    url: undefined,
    socket: { ...socket, ...from.at, reconnectStrategy: false, connectTimeout: patience },
    disableOfflineQueue: true,
    // `silent` sees to it, with one timer for all that is asked: theirs is one for each command.
    commandOptions: { ...commandOptions, timeout: undefined },
    RESP: 2,
    // These two want RESP 3, and with it replies of another shape.
    maintNotifications: 'disabled',
    clientSideCache: undefined,
  }) as unknown as Client
  let over = false
  let inFlight = 0
  const silent = createAlarm(clock, () => end(new Error(`Redis said nothing for ${patience} ms`)))

  function end(error: unknown) {
    if (over) return
    over = true
    close()
    gone(error)
  }

  function close() {
    silent.clear()
    if (client.isOpen) client.destroy()
  }

  client.on('error', end)
  client.on('end', () => end(new Error('Redis closed the connection')))
  silent.set(2 * patience)
  try {
    await client.connect()
  } catch (error) {
    over = true
    close()
    throw error
  }
  silent.clear()

  return {
    async send(command) {
      if (over) throw brokenOff()
      if (inFlight++ === 0) silent.set(patience)
      try {
        return await client.sendCommand(command)
      } catch (error) {
        // An error reply begins with its code, in capitals; all else is the connection.
        throw over || !replyCode(error) ? brokenOff(error) : refusedBy(error)
      } finally {
        if (--inFlight === 0) silent.clear()
        else if (!over) silent.set(patience)
      }
    },
    destroy() {
      over = true
      close()
    },
  }
}
