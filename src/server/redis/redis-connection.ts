import { nanoid } from 'nanoid'
import type { Clock, Random } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import type { Keys } from './keys.js'
import { away, replyCode } from './redis-failure.js'
import { openRedisSocket, type RedisAddress, type RedisSocket, type RedisTemplate } from './redis-socket.js'
import type { Script } from './script.js'
import { SCRIPTS } from './scripts.js'

/**
 * This node's way to Redis: one connection for commands and one for the blocking read, which live and die together. It is opened again
 * by itself, and whenever it is, Redis is asked which epoch holds before anything else is.
 */
export interface RedisConnection {
  /** The epoch as far as it is known; null before the first connection. */
  readonly epoch: string | null
  readonly here: boolean
  /**
   * Runs a script under the present epoch. Rejects with `refused` where nothing was done, which while Redis is away is at once, and
   * otherwise with `outcome-unknown`. While Redis is there it is sent at once; where it has to be sent anew because another epoch holds, `again`
   * calls for that.
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
  /** Under that epoch there have been so many appends: a Redis that counts fewer has lost some. */
  reached(epoch: string, appends: number): void
  /** Asks Redis which epoch holds, and how many appends it has counted. */
  rejoin(): Promise<number>
  /** Resolves with whether Redis is there, as soon as it is or at the end of `patience`. */
  back(patience: number): Promise<boolean>
  close(): void
}

export interface RedisConnectionDeps {
  readonly url?: string
  readonly client?: RedisTemplate
  readonly keys: Keys
  /** Those that Redis is told of beforehand. */
  readonly scripts: readonly Script[]
  /** Undefined: Redis is asked. */
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

/** Nothing heard for that long on a connection that was asked something: it is dead. A blocking read is shorter. */
export const PATIENCE = 5_000
/** Between two attempts: `U(0, RETRY.first · 2ⁿ)`, at most `RETRY.most`, and never less than `RETRY.least`. */
const RETRY = { least: 50, first: 200, most: 2_000 }

interface Pair {
  readonly commands: RedisSocket
  readonly reads: RedisSocket
  readonly run: string
  readonly durable: boolean
}

export function createRedisConnection(deps: RedisConnectionDeps, handlers: RedisConnectionHandlers): RedisConnection {
  const { keys, clock, random } = deps
  let pair: Pair | null = null
  let epoch: string | null = null
  let generation = 0
  let furthest = { epoch: '', appends: 0 }
  let at: RedisAddress | undefined
  let attempts = 0
  let closed = false
  let cancelRetry: () => void = () => undefined
  let joining: Promise<number> | null = null
  /** Sockets of an attempt under way. */
  let opening: { commands?: RedisSocket; reads?: RedisSocket } | null = null
  const waiting = new Set<() => void>()
  let firstTried: () => void
  const tried = new Promise<void>((resolve) => void (firstTried = resolve))

  function time() {
    return deps.time ? `${deps.time()}` : ''
  }

  async function connect() {
    const mine: { commands?: RedisSocket; reads?: RedisSocket } = (opening = {})
    let broken: unknown
    const gone = (error: unknown) => {
      broken ??= error
      if (pair && pair.commands === mine.commands) lose(error)
    }
    const from = { url: deps.url, client: deps.client, at }
    try {
      mine.commands = await openRedisSocket(from, { clock, patience: PATIENCE, gone })
      if (!closed) mine.reads = await openRedisSocket(from, { clock, patience: PATIENCE, gone })
      if (closed) throw new Error('closed')
      const made = { ...mine, ...(await look(mine.commands)) } as Pair
      await Promise.all(deps.scripts.map(({ lua }) => made.commands.send(['SCRIPT', 'LOAD', lua])))
      const { epoch: joined } = await join(made)
      if (broken !== undefined) throw broken
      if (closed) throw new Error('closed')
      opening = null
      pair = made
      epoch = joined
      generation++
      attempts = 0
      firstTried()
      for (const wake of [...waiting]) wake()
      handlers.here(joined)
    } catch (error) {
      mine.commands?.destroy()
      mine.reads?.destroy()
      opening = null
      firstTried()
      if (closed) return
      if (attempts === 0) handlers.onError(error, 'connecting to Redis')
      redirect(error)
      retry()
    }
  }

  /** Of a cluster another node has our slot. */
  function redirect(error: unknown) {
    const cause = error instanceof LiveSocketError ? error.cause : error
    const moved = replyCode(cause) === 'MOVED' ? /MOVED \d+ (\S*):(\d+)/.exec((cause as Error).message) : null
    // Where that node does not answer, the one that we were told of may know better.
    at = moved ? { ...(moved[1] ? { host: moved[1] } : undefined), port: Number(moved[2]) } as RedisAddress : undefined
  }

  function retry() {
    const most = Math.min(RETRY.most, RETRY.first * 2 ** attempts++)
    cancelRetry = clock.setTimeout(() => void connect(), at ? 0 : Math.max(RETRY.least, random() * most))
  }

  function lose(error: unknown) {
    if (!pair) return
    const { commands, reads } = pair
    pair = null
    commands.destroy()
    reads.destroy()
    if (closed) return
    handlers.onError(error, 'talking to Redis')
    handlers.away()
    redirect(error)
    retry()
  }

  async function look(socket: RedisSocket): Promise<{ run: string; durable: boolean }> {
    const info = fields(await socket.send(['INFO']))
    if (info['loading'] === '1') throw new Error('LOADING Redis is loading its data')
    if (info['role'] === 'slave') throw new Error('READONLY This Redis is a replica')
    const run = info['run_id']
    if (!run) throw new Error('INFO of Redis names no run_id')
    if (Number(info['maxmemory'] ?? 0) > 0 && info['maxmemory_policy']?.startsWith('allkeys')) {
      handlers.onError(new LiveSocketError('invalid', `Redis may evict what it acknowledged: maxmemory-policy is ${info['maxmemory_policy']}, and should be noeviction`), 'connecting to Redis')
    }
    // A replica that took over: what its master acknowledged last may never have come to it.
    const tookOver = /[^0]/.test(info['master_replid2'] ?? '0')
    return { run, durable: deps.durable ?? (!tookOver && (await writesEverything(socket))) }
  }

  async function writesEverything(socket: RedisSocket): Promise<boolean> {
    try {
      const names = ['appendonly', 'appendfsync', 'no-appendfsync-on-rewrite']
      const [only, sync, skips] = await Promise.all(names.map((name) => socket.send(['CONFIG', 'GET', name]) as Promise<string[]>))
      return only?.[1] === 'yes' && sync?.[1] === 'always' && skips?.[1] === 'no'
    } catch {
      // Managed ones do not say.
      return false
    }
  }

  async function join({ commands, run, durable }: Pair): Promise<{ epoch: string; appends: number }> {
    const reply = await evaluate(commands, SCRIPTS.join, [keys.root, keys.feed], [run, durable ? '1' : '0', nanoid(), time(), keys.tag, furthest.epoch, `${furthest.appends}`])
    return { epoch: String(reply[1]), appends: Number(reply[2]) }
  }

  async function evaluate(socket: RedisSocket, { sha, lua }: Script, names: readonly string[], args: readonly string[]): Promise<readonly unknown[]> {
    const rest = [`${names.length}`, ...names, ...args]
    try {
      return (await socket.send(['EVALSHA', sha, ...rest])) as unknown[]
    } catch (error) {
      const { cause } = error as LiveSocketError
      if (replyCode(cause) === 'NOSCRIPT') return (await socket.send(['EVAL', lua, ...rest])) as unknown[]
      // It is not what it was when we came: a replica now, or no longer where our slot is.
      if (['MOVED', 'READONLY', 'MASTERDOWN'].includes(replyCode(cause)) && pair?.commands === socket) lose(cause)
      throw error
    }
  }

  function rejoin(): Promise<number> {
    const from = pair
    if (!from) return Promise.reject(away())
    joining ??= (async () => {
      try {
        const { epoch: joined, appends } = await join(from)
        if (pair !== from) throw away()
        generation++
        if (joined !== epoch) {
          epoch = joined
          handlers.here(joined)
        }
        return appends
      } finally {
        joining = null
      }
    })()
    return joining
  }

  async function ready(): Promise<Pair> {
    if (!pair && !closed) await tried
    if (closed) throw new LiveSocketError('refused', 'This log was closed.', { retryAfter: 1_000 })
    if (!pair) throw away()
    return pair
  }

  void connect()

  return {
    get epoch() {
      return epoch
    },
    get here() {
      return pair !== null
    },
    get generation() {
      return generation
    },
    async run(script, ask, again = (send) => send()) {
      const send = async () => {
        const { commands, run } = pair ?? (await ready())
        const { keys: names, args } = ask(epoch!)
        return evaluate(commands, script, names, [epoch!, run, time(), ...args.map(String)])
      }
      let reply = await send()
      for (let attempt = 1; reply[0] === 'stale'; attempt++) {
        if (attempt === 3) throw away()
        // Nothing was done: another epoch holds, or Redis was started anew.
        await rejoin().catch((error: unknown) => {
          throw away(1_000, error)
        })
        reply = await again(send)
      }
      return reply
    },
    async runPlain(script, names, args) {
      return evaluate((await ready()).commands, script, names, args)
    },
    async read(command) {
      const { reads } = await ready()
      return reads.send(command)
    },
    reached(under, appends) {
      if (under !== furthest.epoch || appends > furthest.appends) furthest = { epoch: under, appends }
    },
    rejoin,
    back(patience) {
      if (pair) return Promise.resolve(true)
      if (closed) return Promise.resolve(false)
      return new Promise((resolve) => {
        const settle = (is: boolean) => {
          cancel()
          waiting.delete(wake)
          resolve(is)
        }
        const wake = () => settle(pair !== null)
        const cancel = clock.setTimeout(() => settle(false), patience)
        waiting.add(wake)
      })
    },
    close() {
      if (closed) return
      closed = true
      cancelRetry()
      const had = pair
      pair = null
      for (const socket of [had?.commands, had?.reads, opening?.commands, opening?.reads]) socket?.destroy()
      for (const wake of [...waiting]) wake()
    },
  }
}

function fields(info: unknown): Record<string, string | undefined> {
  const found: Record<string, string> = Object.create(null) as Record<string, string>
  for (const line of String(info).split(/\r?\n/)) {
    const at = line.indexOf(':')
    if (at > 0) found[line.slice(0, at)] = line.slice(at + 1)
  }
  return found
}

