import type { Clock, Random } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import type { LogStatus } from '../log/topic-log.js'
import type { Keys } from './keys.js'
import { createRedisDialler } from './redis-dialler.js'
import { away, replyCode } from './redis-failure.js'
import { createRedisReader, type RedisReader } from './redis-reader.js'
import { createRedisRoute } from './redis-route.js'
import type { RedisSocket } from './redis-socket.js'
import type { RedisPlace, RedisSource } from './redis-source.js'
import { clusterNodes, standingOf } from './redis-standing.js'
import { createRedisTrouble } from './redis-trouble.js'
import { createRollCall, OtherTerm, type Joined, type Mark } from './roll-call.js'
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

/** Nothing heard for that long on a connection that was asked something: it is dead. A blocking read is shorter. */
export const PATIENCE = 5_000
/**
 * Between two rounds: `U(0, RETRY.first · 2ⁿ)`, at most `RETRY.most`, and never less than `RETRY.least`; n goes back to
 * 0 with a connection that lived for `RETRY.lived`.
 */
const RETRY = { least: 50, first: 200, most: 2_000, lived: 5_000 }

/** Where this node is connected. */
interface Seat {
  readonly place: RedisPlace
  readonly commands: RedisSocket
  readonly term: string | null
  /** What the scripts are to find in the root. */
  run: string
  readonly since: number
  readonly reader: RedisReader
}

export function createRedisConnection(deps: RedisConnectionDeps, handlers: RedisConnectionHandlers): RedisConnection {
  const { keys, clock, random, source } = deps
  const rollCall = createRollCall({ keys, node: deps.node, lease: deps.lease, durable: deps.durable, clock, time })
  const dialler = createRedisDialler({ source, clock, patience: PATIENCE })
  const route = createRedisRoute(source, (place) => dialler.open(place, () => undefined))
  const trouble = createRedisTrouble(clock, handlers.onError)
  let seat: Seat | null = null
  let epoch: string | null = null
  let generation = 0
  let attempts = 0
  let closed = false
  let cancelRetry: () => void = () => undefined
  let joining: Promise<number> | null = null
  /** Redis is there, and other nodes are waited for. */
  let calling: { readonly over: Promise<void>; end(): void } | null = null
  let loading: { readonly socket: RedisSocket; readonly done: Promise<void> } | null = null
  const waiting = new Set<() => void>()
  let firstTried: () => void
  const tried = new Promise<void>((resolve) => void (firstTried = resolve))

  function time() {
    return deps.time ? `${deps.time()}` : ''
  }

  async function connect(last?: unknown) {
    const begun = clock.monotonic()
    let failure: unknown
    try {
      route.begin(last)
      for (let place = await route.next(); place && !closed; place = await route.next()) {
        try {
          return await enter(place)
        } catch (error) {
          failure = error
          route.failed(place, error)
          // Whoever asks does not wait for a whole cluster that says nothing.
          if (clock.monotonic() - begun >= PATIENCE) firstTried()
        }
      }
    } catch (error) {
      failure = error
    }
    firstTried()
    if (closed) return
    trouble.again(failure)
    const most = Math.min(RETRY.most, RETRY.first * 2 ** attempts++)
    cancelRetry = clock.setTimeout(() => void connect(), Math.max(RETRY.least, random() * most))
  }

  async function enter(place: RedisPlace) {
    let broken: unknown
    let commands: RedisSocket | null = null
    commands = await dialler.open(place, (error) => {
      broken ??= error
      if (seat && seat.commands === commands) lose(error)
    })
    try {
      const { made, joined } = await sitDown(
        place,
        commands,
        () => broken ?? (closed ? new Error('closed') : undefined),
      )
      await load(commands)
      if (broken !== undefined) throw broken
      settle(made, joined)
    } catch (error) {
      commands.destroy()
      throw error
    } finally {
      calling?.end()
      calling = null
    }
  }

  /** What is asked from now on waits with us: it is soon over, and whoever was refused would only ask again. */
  function waits() {
    if (calling) return
    let end!: () => void
    calling = { over: new Promise<void>((resolve) => void (end = resolve)), end }
  }

  async function sitDown(
    place: RedisPlace,
    commands: RedisSocket,
    givenUp: () => unknown,
  ): Promise<{ made: Seat; joined: string }> {
    const { cluster, term } = await standingOf(commands, trouble.tell)
    if (cluster) route.learn(place, await clusterNodes(commands, keys.root))
    const { epoch: joined, run } = await join(commands, term, givenUp, waits)
    const another = (error: Error) => seat?.commands === commands && lose(error)
    const reader = createRedisReader(term, (gone) => dialler.open(place, gone), another)
    return { made: { place, commands, reader, term, run, since: clock.monotonic() }, joined }
  }

  function settle(made: Seat, joined: string) {
    if (closed) throw new Error('closed')
    route.arrived(made.place)
    seat = made
    epoch = joined
    generation++
    trouble.over()
    firstTried()
    for (const wake of [...waiting]) wake()
    handlers.here(joined)
  }

  function lose(error: unknown) {
    if (!seat) return
    const { commands, reader, since } = seat
    seat = null
    commands.destroy()
    reader.destroy()
    if (closed) return
    if (clock.monotonic() - since >= RETRY.lived) attempts = 0
    trouble.begin(error)
    handlers.away()
    // Who has our slot now was just said; or else somebody is dialled soon.
    const wait =
      replyCode(error) === 'MOVED' && attempts === 0
        ? 0
        : Math.max(RETRY.least, random() * Math.min(RETRY.most, RETRY.first * 2 ** attempts))
    attempts++
    cancelRetry = clock.setTimeout(() => void connect(error), wait)
  }

  function join(
    commands: RedisSocket,
    term: string | null,
    givenUp: () => unknown,
    waits?: () => void,
  ): Promise<Joined> {
    return rollCall.join({
      term,
      givenUp,
      waits,
      evaluate: (script, names, args) => evaluateLoaded(commands, script, names, args),
    })
  }

  /** Answers `unloaded` where Redis does not know the script, and nothing was done. */
  async function evaluate(
    socket: RedisSocket,
    { sha }: Script,
    names: readonly string[],
    args: readonly string[],
  ): Promise<readonly unknown[]> {
    try {
      return (await socket.send(['EVALSHA', sha, `${names.length}`, ...names, ...args])) as unknown[]
    } catch (error) {
      const { cause } = error as LiveSocketError
      if (replyCode(cause) === 'NOSCRIPT') return ['unloaded']
      // It is not what it was when we came: a replica now, or no longer where our slot is.
      if (['MOVED', 'READONLY', 'MASTERDOWN'].includes(replyCode(cause)) && seat?.commands === socket) lose(cause)
      throw error
    }
  }

  async function evaluateLoaded(
    socket: RedisSocket,
    script: Script,
    names: readonly string[],
    args: readonly string[],
  ): Promise<readonly unknown[]> {
    const reply = await evaluate(socket, script, names, args)
    if (reply[0] !== 'unloaded') return reply
    await load(socket)
    return evaluate(socket, script, names, args)
  }

  /**
   * What was sent before and not done because of it is sent anew, in its order: `EVAL` would let what comes later go
   * first.
   */
  function load(socket: RedisSocket): Promise<void> {
    // One that died over it is no answer for the next.
    if (loading?.socket === socket) return loading.done
    generation++
    const done = Promise.all(deps.scripts.map(({ lua }) => socket.send(['SCRIPT', 'LOAD', lua])))
      .then(() => undefined)
      .finally(() => void (loading?.done === done && (loading = null)))
    loading = { socket, done }
    return done
  }

  function rejoin(): Promise<number> {
    const from = seat
    if (!from) return Promise.reject(away())
    joining ??= (async () => {
      try {
        const {
          epoch: joined,
          run,
          appends,
        } = await join(from.commands, from.term ?? from.run, () => (seat === from ? undefined : away())).catch(
          (error: unknown) => {
            // What it has told and is still on its way here must not count any more when this node is asked what it
            // knows.
            if (error instanceof OtherTerm && seat === from) lose(error)
            throw error
          },
        )
        if (seat !== from) throw away()
        generation++
        from.run = run
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

  async function ready(): Promise<Seat> {
    if (!seat && !closed) await (calling?.over ?? tried)
    if (closed) throw new LiveSocketError('refused', 'This log was closed.', { retryAfter: 1_000 })
    if (!seat) throw away()
    return seat
  }

  void connect()

  return {
    get epoch() {
      return epoch
    },
    get here() {
      return seat !== null
    },
    called: () => (seat ? undefined : calling?.over),
    status: () => trouble.status,
    get generation() {
      return generation
    },
    async run(script, ask, again = (send) => send()) {
      const send = async () => {
        const { commands, run } = seat ?? (await ready())
        const { keys: names, args } = ask(epoch!)
        return evaluate(commands, script, names, [epoch!, run, time(), ...args.map(String)])
      }
      let reply = await send()
      for (let attempt = 1; reply[0] === 'stale' || reply[0] === 'unloaded'; attempt++) {
        const from = seat
        if (attempt === 3 || !from) throw away()
        // Nothing was done: another epoch holds, or Redis was started anew, or its scripts were flushed.
        await (reply[0] === 'stale' ? rejoin() : load(from.commands)).catch((error: unknown) => {
          throw away(1_000, error)
        })
        reply = await again(send)
      }
      return reply
    },
    async runPlain(script, names, args) {
      return evaluateLoaded((await ready()).commands, script, names, args)
    },
    async read(command) {
      return (await ready()).reader.send(command)
    },
    knows: rollCall.knows,
    rejoin,
    back(patience) {
      if (seat) return Promise.resolve(true)
      if (closed) return Promise.resolve(false)
      return new Promise((resolve) => {
        const settle = (is: boolean) => {
          cancel()
          waiting.delete(wake)
          resolve(is)
        }
        const wake = () => settle(seat !== null)
        const cancel = clock.setTimeout(() => settle(false), patience)
        waiting.add(wake)
      })
    },
    async leave() {
      const from = seat
      if (from)
        await rollCall
          .leave((script, names, args) => evaluateLoaded(from.commands, script, names, args))
          .catch(() => undefined)
    },
    close() {
      if (closed) return
      closed = true
      cancelRetry()
      calling?.end()
      seat = null
      dialler.close()
      for (const wake of [...waiting]) wake()
    },
  }
}
