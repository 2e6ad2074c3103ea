import type { LiveSocketError } from '../../base/errors.js'
import { replyCode } from './redis-failure.js'
import type { RedisSocket } from './redis-socket.js'
import type { Script } from './script.js'

type Reply = readonly unknown[]

export interface ScriptRunnerDeps {
  /** The scripts that are loaded into Redis beforehand. */
  readonly scripts: readonly Script[]
  /** Something sent from now on may be applied although something sent before is not. */
  reloading(): void
  /** That Redis has changed since the connection was made: it is a replica now, or no longer has our slot. */
  moved(socket: RedisSocket, cause: unknown): void
}

/** Runs scripts on a connection, by their SHA-1. */
export class ScriptRunner {
  private readonly deps: ScriptRunnerDeps
  private loading: { readonly socket: RedisSocket; readonly done: Promise<void> } | null = null

  constructor(deps: ScriptRunnerDeps) {
    this.deps = deps
  }

  /** Answers `unloaded` if Redis does not know the script; nothing was done then. */
  async evaluate(
    socket: RedisSocket,
    { sha }: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<Reply> {
    try {
      return (await socket.send(['EVALSHA', sha, `${keys.length}`, ...keys, ...args])) as Reply
    } catch (error) {
      const { cause } = error as LiveSocketError
      const code = replyCode(cause)
      if (code === 'NOSCRIPT') return ['unloaded']
      if (code === 'MOVED' || code === 'READONLY' || code === 'MASTERDOWN') this.deps.moved(socket, cause)
      throw error
    }
  }

  /** The same, for callers that can wait while the script is loaded first. */
  async evaluateLoaded(
    socket: RedisSocket,
    script: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<Reply> {
    const reply = await this.evaluate(socket, script, keys, args)
    if (reply[0] !== 'unloaded') return reply
    await this.load(socket)
    return this.evaluate(socket, script, keys, args)
  }

  /**
   * Loads all scripts. Calls that failed before because of missing scripts are sent again, in order: `EVAL` would let
   * later calls overtake them.
   */
  load(socket: RedisSocket): Promise<void> {
    // A load that failed on another connection is no answer for this one.
    if (this.loading?.socket === socket) return this.loading.done
    this.deps.reloading()
    const done = Promise.all(this.deps.scripts.map(({ lua }) => socket.send(['SCRIPT', 'LOAD', lua])))
      .then(() => undefined)
      .finally(() => void (this.loading?.done === done && (this.loading = null)))
    this.loading = { socket, done }
    return done
  }
}
