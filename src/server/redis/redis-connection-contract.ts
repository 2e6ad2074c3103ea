import type { Clock, Random } from '../../base/clock.js'
import type { LogStatus } from '../log/topic-log.js'
import type { Keys } from './keys.js'
import type { RedisSource } from './redis-source.js'
import type { RedisTime } from './redis-time.js'
import type { Mark } from './roll-call.js'
import type { Script } from './script.js'

/**
 * This node's way to Redis: one connection for commands, and beside it one for the blocking read, opened when somebody
 * reads. The first is opened again by itself, and whenever it is, Redis is asked which epoch holds before anything else
 * is; with it goes the second, which may also be lost alone.
 */
export interface RedisConnection {
  /** The epoch as far as it is known; null before the first connection. */
  readonly epoch: string | null
  readonly here: boolean
  /** Where Redis is there and other nodes are waited for before anything is done: until that is over. */
  called(): Promise<void> | undefined
  status(): LogStatus
  /**
   * Runs a script under the present epoch. Rejects with `refused` where nothing was done, which while Redis is away is
   * at once, and otherwise with `outcome-unknown`. While Redis is there it is sent at once; where it has to be sent
   * anew because another epoch holds, `again` calls for that.
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
  /** On the connection for the blocking read. */
  read(command: readonly string[]): Promise<unknown>
  /** On another one, for what servers tell each other. */
  readNews(command: readonly string[]): Promise<unknown>
  /** What time it is there, since this connection was made. */
  readonly time: RedisTime
  /** See `RollCall`. */
  knows(mark: Mark): void
  /** Asks Redis which epoch holds, and how many appends it has counted. */
  rejoin(): Promise<number>
  /** Resolves with whether Redis is there, as soon as it is or at the end of `patience`. */
  back(patience: number): Promise<boolean>
  /** This node is called no more. */
  leave(): Promise<void>
  close(): void
}

export interface RedisConnectionDeps {
  readonly source: RedisSource
  readonly keys: Keys
  /** Those that Redis is told of beforehand. */
  readonly scripts: readonly Script[]
  readonly node: string
  readonly lease: number
  /** Undefined: the nodes are asked. */
  readonly durable?: boolean
  readonly clock: Clock
  readonly random: Random
  /** What the scripts take for the time; undefined: Redis's own. */
  readonly time?: () => number
}

export interface RedisConnectionHandlers {
  /** Connected, again or for the first time, or the epoch changed under the connection. */
  here(epoch: string): void
  away(): void
  onError(error: unknown, doing: string): void
}
