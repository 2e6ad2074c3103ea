import type { LiveSocketError } from '../../base/errors.js'
import { replyCode } from './redis-failure.js'
import type { RedisSocket } from './redis-socket.js'
import type { Script } from './script.js'

type Reply = readonly unknown[]

export interface ScriptRunnerDeps {
  /** Those that Redis is told of beforehand. */
  readonly scripts: readonly Script[]
  /** What is sent from now on may be done although what was sent before is not. */
  reloading(): void
  /** That Redis is not what it was when we came: a replica now, or no longer where our slot is. */
  moved(socket: RedisSocket, cause: unknown): void
}

/** Runs scripts on a connection, by their names. */
export class ScriptRunner {
  private readonly deps: ScriptRunnerDeps
  private loading: { readonly socket: RedisSocket; readonly done: Promise<void> } | null = null

  constructor(deps: ScriptRunnerDeps) {
    this.deps = deps
  }

  /** Answers `unloaded` where Redis does not know the script, and nothing was done. */
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

  /** The same, where the script may be told first. */
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
   * What was sent before and not done because of it is sent anew, in its order: `EVAL` would let what comes later go
   * first.
   */
  load(socket: RedisSocket): Promise<void> {
    // One that died over it is no answer for the next.
    if (this.loading?.socket === socket) return this.loading.done
    this.deps.reloading()
    const done = Promise.all(this.deps.scripts.map(({ lua }) => socket.send(['SCRIPT', 'LOAD', lua])))
      .then(() => undefined)
      .finally(() => void (this.loading?.done === done && (this.loading = null)))
    this.loading = { socket, done }
    return done
  }
}
