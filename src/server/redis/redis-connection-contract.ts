import type { Clock, Random } from '../../base/clock.js'
import type { LogStatus } from '../log/topic-log.js'
import type { Keys } from './keys.js'
import type { RedisSource } from './redis-source.js'
import type { RedisTime } from './redis-time.js'
import type { Mark } from './roll-call.js'
import type { Script } from './script.js'

/**
 * This node's connection to Redis: one for commands, and beside it others for blocking reads, opened when somebody
 * reads. The first reconnects automatically, and each time Redis is asked which epoch holds before anything else. When
 * it is lost, the others end with it; they may also be lost alone.
 */
export interface RedisConnection {
  /** The epoch, as far as it is known; null before the first connection. */
  readonly epoch: string | null
  readonly here: boolean
  /** While Redis is there but other nodes are waited for: resolves when that is over. */
  called(): Promise<void> | undefined
  status(): LogStatus
  /**
   * Runs a script under the present epoch. Rejects with `refused` if nothing was done, at once while Redis is away; and
   * with `outcome-unknown` otherwise. While Redis is there it is sent at once. If it has to be sent again because
   * another epoch holds, `again` decides when.
   */
  run(
    script: Script,
    ask: (epoch: string) => { readonly keys: readonly string[]; readonly args: readonly (string | number)[] },
    again?: (send: () => Promise<readonly unknown[]>) => Promise<readonly unknown[]>,
  ): Promise<readonly unknown[]>
  /** Rises with every connection, and whenever Redis was asked which epoch holds. */
  readonly generation: number
  /** Runs a script that needs no epoch. */
  runPlain(script: Script, keys: readonly string[], args: readonly string[]): Promise<readonly unknown[]>
  /** Sends a command on the connection for the blocking read. */
  read(command: readonly string[]): Promise<unknown>
  /** Sends a command on another connection, for what servers tell each other. */
  readNews(command: readonly string[]): Promise<unknown>
  /** The time in Redis, as heard since this connection was made. */
  readonly time: RedisTime
  /** See `RollCall`. */
  knows(mark: Mark): void
  /** Asks Redis which epoch holds, and how many appends it has counted. */
  rejoin(): Promise<number>
  /** Resolves with whether Redis is there: as soon as it is, or when `patience` is over. */
  back(patience: number): Promise<boolean>
  /** This node is no longer called. */
  leave(): Promise<void>
  close(): void
}

export interface RedisConnectionDeps {
  readonly source: RedisSource
  readonly keys: Keys
  /** The scripts that are loaded into Redis beforehand. */
  readonly scripts: readonly Script[]
  readonly node: string
  readonly lease: number
  /** Undefined: the nodes are asked. */
  readonly durable?: boolean
  readonly clock: Clock
  readonly random: Random
  /** The time that the scripts use; undefined: Redis's own. */
  readonly time?: () => number
}

export interface RedisConnectionHandlers {
  /** Connected, again or for the first time; or the epoch changed under the connection. */
  here(epoch: string): void
  away(): void
  onError(error: unknown, doing: string): void
}
