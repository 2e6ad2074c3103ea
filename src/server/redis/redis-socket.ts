import { createAlarm } from '../../base/alarm.js'
import type { Clock } from '../../base/clock.js'
import type { LiveSocketError } from '../../base/errors.js'
import { brokenOff, refusedBy, replyCode } from './redis-failure.js'
import type { RedisPlace, RedisSource } from './redis-source.js'

/** One connection to Redis. It never reconnects: its owner is told of its end. */
export interface RedisSocket {
  /** Rejects if the connection is not established. */
  readonly opened: Promise<void>
  /** Rejects with `brokenOff` if the connection dies first, and with `refusedBy` if Redis answers with an error. */
  send(command: readonly string[]): Promise<unknown>
  destroy(): void
}

/** A client of `redis` 4, 5 or 6. Version 4 has `disconnect` instead of `destroy`. */
interface Client {
  connect(): Promise<unknown>
  sendCommand(command: readonly string[]): Promise<unknown>
  destroy?(): void
  disconnect(): unknown
  on(event: string, listener: (error: unknown) => void): unknown
  readonly isOpen: boolean
}

export interface RedisSocketDeps {
  readonly source: Pick<RedisSource, 'create'>
  readonly clock: Clock
  /**
   * Milliseconds without any answer while a command is under way, after which it is dead. Blocking commands are
   * shorter.
   */
  readonly patience: number
}

/**
 * Milliseconds between checks whether anything was asked; if not, a `PING` is sent. The idle timeouts of Redis and of
 * anything in between are longer, and a peer that is gone is noticed even if nobody publishes.
 */
const KEPT_ALIVE = 1_000

/** Options that this library controls, whatever the client was made with. */
function overrides({ socket, ...options }: RedisPlace['options'], patience: number): object {
  return {
    ...options,
    // The URL was read into `socket` already, and would be read again.
    url: undefined,
    socket: { ...socket, reconnectStrategy: false, connectTimeout: patience, socketTimeout: undefined },
    disableOfflineQueue: true,
    // What waits is bounded by the callers.
    commandsQueueMaxLength: undefined,
    pingInterval: undefined,
    // Replies as text, each as soon as it arrives. Missing replies are noticed by `silent`, with one timer for all; the
    // package would use one timer for each command.
    commandOptions: { timeout: undefined },
    RESP: 2,
    legacyMode: false,
    readonly: false,
    // These need RESP 3, which changes the shape of replies.
    maintNotifications: 'disabled',
    clientSideCache: undefined,
    emitInvalidate: undefined,
  }
}

/** Dials. `gone` is called once, and not after `destroy`. */
export function createRedisSocket(
  place: RedisPlace,
  { source, clock, patience }: RedisSocketDeps,
  gone: (error: unknown) => void,
): RedisSocket {
  const client = source.create(overrides(place.options, patience)) as Client
  let over = false
  let inFlight = 0
  let asked = false
  let cancelLook: () => void = () => undefined
  // If it was this process that stood still, the clock lets it read what has arrived first.
  const silent = createAlarm(clock, () => end(new Error(`Redis said nothing for ${patience} ms`)))

  function end(error: unknown) {
    if (over) return
    over = true
    close()
    gone(error)
  }

  function close() {
    silent.clear()
    cancelLook()
    if (!client.isOpen) return
    if (client.destroy) client.destroy()
    else Promise.resolve(client.disconnect()).catch(() => undefined)
  }

  function look() {
    cancelLook = clock.setTimeout(() => {
      // If the ACL forbids it, it is not sent again: Redis logs each attempt.
      if (!asked && inFlight === 0)
        send(['PING']).catch((error: LiveSocketError) => replyCode(error.cause) === 'NOPERM' && cancelLook())
      asked = false
      look()
    }, KEPT_ALIVE)
  }

  async function send(command: readonly string[]): Promise<unknown> {
    if (over) throw brokenOff()
    asked = true
    if (inFlight++ === 0) silent.set(patience)
    try {
      return await client.sendCommand(command)
    } catch (error) {
      // An error reply begins with its code, in capitals; any other error comes from the connection.
      throw over || !replyCode(error) ? brokenOff(error) : refusedBy(error)
    } finally {
      if (--inFlight === 0) silent.clear()
      else if (!over) silent.set(patience)
    }
  }

  async function open() {
    silent.set(2 * patience)
    try {
      await client.connect()
      if (over) throw new Error('Redis closed the connection')
    } catch (error) {
      over = true
      close()
      throw error
    }
    silent.clear()
    look()
  }

  client.on('error', end)
  client.on('end', () => end(new Error('Redis closed the connection')))
  const opened = open()

  return {
    opened,
    send,
    destroy() {
      over = true
      close()
    },
  }
}
