import { createAlarm } from '../../base/alarm.js'
import type { Clock } from '../../base/clock.js'
import type { LiveSocketError } from '../../base/errors.js'
import { brokenOff, refusedBy, replyCode } from './redis-failure.js'
import type { RedisPlace, RedisSource } from './redis-source.js'

/** One connection to Redis. It never reconnects: whoever has it learns of its end. */
export interface RedisSocket {
  /** Rejects where it does not come about. */
  readonly opened: Promise<void>
  /** Rejects with `brokenOff` where the connection dies first, with `refusedBy` where Redis says no. */
  send(command: readonly string[]): Promise<unknown>
  destroy(): void
}

/** A client of `redis` 4, 5 or 6: the first has `disconnect` in place of `destroy`. */
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
  /** Nothing answered for that long although something was asked: it is dead. Blocking commands are shorter. */
  readonly patience: number
}

/**
 * Between two looks at whether anything was asked: where nothing was, Redis is asked for a `PING`. Its own `timeout`
 * and the idle timeouts of what stands between are longer, and a peer that is gone is noticed although nobody
 * publishes.
 */
const KEPT_ALIVE = 1_000

/** What this library sees to itself, whatever the client was made for. */
function overrides({ socket, ...options }: RedisPlace['options'], patience: number): object {
  return {
    ...options,
    // It is in `socket` already, and would be read again.
    url: undefined,
    socket: { ...socket, reconnectStrategy: false, connectTimeout: patience, socketTimeout: undefined },
    disableOfflineQueue: true,
    // What waits is bounded by whoever asks.
    commandsQueueMaxLength: undefined,
    pingInterval: undefined,
    // Replies as text, each as soon as it is there. `silent` sees to those that never come, with one timer for all:
    // theirs is one a command.
    commandOptions: { timeout: undefined },
    RESP: 2,
    legacyMode: false,
    readonly: false,
    // These want RESP 3, and with it replies of another shape.
    maintNotifications: 'disabled',
    clientSideCache: undefined,
    emitInvalidate: undefined,
  }
}

/** Dials. `gone` is told once, and not after `destroy`. */
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
  // Where it was the process that stood still, the clock sees to it that what has arrived is read first.
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
      // Where the ACL forbids it, it is not asked again: Redis makes a note of each.
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
      // An error reply begins with its code, in capitals; all else is the connection.
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
