import { LiveSocketError } from '../../base/errors.js'
import type { LogStatus } from '../log/topic-log.js'
import type { RedisConnection, RedisConnectionDeps, RedisConnectionHandlers } from './redis-connection-contract.js'
import { createRedisDialler, type RedisDialler } from './redis-dialler.js'
import { away, replyCode } from './redis-failure.js'
import { createRedisRoute, type RedisRoute } from './redis-route.js'
import type { RedisPlace } from './redis-source.js'
import { joinOn, takeSeat, type Seat, type SeatDeps } from './redis-seat.js'
import { createRedisTrouble, type RedisTrouble } from './redis-trouble.js'
import { RedisTime } from './redis-time.js'
import { RedisWaiters } from './redis-waiters.js'
import { RetryDelay } from './retry-delay.js'
import { createRollCall, OtherTerm, type Joined, type Mark, type RollCall } from './roll-call.js'
import { timeText, type Script } from './script.js'
import { ScriptRunner } from './script-runner.js'

export type { RedisConnection, RedisConnectionDeps, RedisConnectionHandlers } from './redis-connection-contract.js'

/**
 * Milliseconds without any answer on a connection with a command under way, after which it is dead. A blocking read is
 * shorter.
 */
export const PATIENCE = 5_000

export function createRedisConnection(deps: RedisConnectionDeps, handlers: RedisConnectionHandlers): RedisConnection {
  return new Connection(deps, handlers)
}

class Connection implements RedisConnection {
  private readonly deps: RedisConnectionDeps
  private readonly handlers: RedisConnectionHandlers
  private readonly rollCall: RollCall
  private readonly dialler: RedisDialler
  private readonly route: RedisRoute
  private readonly trouble: RedisTrouble
  private readonly retry: RetryDelay
  private readonly runner: ScriptRunner
  private readonly waiters: RedisWaiters
  readonly time: RedisTime
  private readonly seats: SeatDeps
  /** Null while Redis is away. */
  private seat: Seat | null = null
  epoch: string | null = null
  generation = 0
  private closed = false
  private cancelRetry: () => void = () => undefined
  private joining: Promise<number> | null = null
  /** Redis is there, and other nodes are waited for. */
  private calling: { readonly over: Promise<void>; end(): void } | null = null

  constructor(deps: RedisConnectionDeps, handlers: RedisConnectionHandlers) {
    const { keys, clock, random, source, node, lease, durable } = deps
    this.deps = deps
    this.handlers = handlers
    const heard = (now: number) => this.time.heard(now)
    this.rollCall = createRollCall({ keys, node, lease, durable, clock, heard, time: () => this.given() })
    const dialler = createRedisDialler({ source, clock, patience: PATIENCE })
    this.dialler = dialler
    this.route = createRedisRoute(source, (place) => dialler.open(place, () => undefined))
    this.trouble = createRedisTrouble(clock, handlers.onError)
    this.retry = new RetryDelay(random)
    this.waiters = new RedisWaiters(clock)
    this.time = new RedisTime(clock)
    this.runner = new ScriptRunner({
      scripts: deps.scripts,
      reloading: () => void this.generation++,
      moved: (socket, cause) => void (this.seat?.commands === socket && this.lose(cause)),
    })
    this.seats = {
      dialler,
      keys,
      clock,
      route: this.route,
      trouble: this.trouble,
      runner: this.runner,
      rollCall: this.rollCall,
      closed: () => this.closed,
      lost: (commands, error) => void (this.seat?.commands === commands && this.lose(error)),
      waits: () => this.waitForOthers(),
    }
    void this.connect()
  }

  get here(): boolean {
    return this.seat !== null
  }

  called(): Promise<void> | undefined {
    return this.seat ? undefined : this.calling?.over
  }

  status(): LogStatus {
    return this.trouble.status
  }

  async run(
    script: Script,
    ask: Parameters<RedisConnection['run']>[1],
    again: NonNullable<Parameters<RedisConnection['run']>[2]> = (send) => send(),
  ): Promise<readonly unknown[]> {
    const send = async () => {
      const { commands, run } = this.seat ?? (await this.ready())
      const epoch = this.epoch!
      const { keys, args } = ask(epoch)
      return this.runner.evaluate(commands, script, keys, [epoch, run, this.given(), ...args.map(String)])
    }
    let reply = await send()
    for (let attempt = 1; reply[0] === 'stale' || reply[0] === 'unloaded'; attempt++) {
      const from = this.seat
      if (attempt === 3 || !from) throw away()
      // Nothing was done: another epoch holds, or Redis was restarted, or its scripts were flushed.
      await (reply[0] === 'stale' ? this.rejoin() : this.runner.load(from.commands)).catch((error: unknown) => {
        throw away(1_000, error)
      })
      reply = await again(send)
    }
    return reply
  }

  async runPlain(script: Script, keys: readonly string[], args: readonly string[]): Promise<readonly unknown[]> {
    return this.runner.evaluateLoaded((await this.ready()).commands, script, keys, args)
  }

  async read(command: readonly string[]): Promise<unknown> {
    return (await this.ready()).reader.send(command)
  }

  async readNews(command: readonly string[]): Promise<unknown> {
    return (await this.ready()).news.send(command)
  }

  knows(mark: Mark): void {
    this.rollCall.knows(mark)
  }

  rejoin(): Promise<number> {
    const { seat } = this
    if (!seat) return Promise.reject(away())
    this.joining ??= this.joinAgain(seat).finally(() => void (this.joining = null))
    return this.joining
  }

  back(patience: number): Promise<boolean> {
    if (this.seat) return Promise.resolve(true)
    if (this.closed) return Promise.resolve(false)
    return this.waiters.wait(patience, () => this.here)
  }

  async leave(): Promise<void> {
    const { seat, runner } = this
    if (!seat) return
    await this.rollCall
      .leave((script, keys, args) => runner.evaluateLoaded(seat.commands, script, keys, args))
      .catch(() => undefined)
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.cancelRetry()
    this.calling?.end()
    this.seat = null
    this.dialler.close()
    this.waiters.wake()
  }

  private given(): string {
    return timeText(this.deps.time?.(), this.time.atLeast)
  }

  private async ready(): Promise<Seat> {
    if (!this.seat && !this.closed) await (this.calling?.over ?? this.waiters.tried)
    if (this.closed) throw new LiveSocketError('refused', 'This log was closed.', { retryAfter: 1_000 })
    if (!this.seat) throw away()
    return this.seat
  }

  /** One round: tries every address where Redis may be until one works. If none does, there is another round. */
  private async connect(last?: unknown) {
    const { route, waiters } = this
    const begun = this.deps.clock.monotonic()
    let failure: unknown
    try {
      route.begin(last)
      for (let place = await route.next(); place && !this.closed; place = await route.next()) {
        try {
          return await this.enter(place)
        } catch (error) {
          failure = error
          route.failed(place, error)
          // Callers do not wait for a whole cluster that does not answer.
          if (this.deps.clock.monotonic() - begun >= PATIENCE) waiters.triedOnce()
        }
      }
    } catch (error) {
      failure = error
    }
    waiters.triedOnce()
    if (this.closed) return
    this.trouble.again(failure)
    this.connectIn(this.retry.next())
  }

  private connectIn(wait: number, last?: unknown) {
    this.cancelRetry = this.deps.clock.setTimeout(() => void this.connect(last), wait)
  }

  private async enter(place: RedisPlace) {
    try {
      await takeSeat(this.seats, place, (seat, joined) => this.seated(seat, joined))
    } finally {
      this.calling?.end()
      this.calling = null
    }
  }

  /** Calls made from now on wait as well: it is soon over, and a refused caller would only ask again. */
  private waitForOthers() {
    if (this.calling) return
    let end!: () => void
    this.calling = { over: new Promise<void>((resolve) => void (end = resolve)), end }
  }

  private seated(made: Seat, joined: string) {
    this.route.arrived(made.place)
    this.seat = made
    this.epoch = joined
    this.generation++
    this.trouble.over()
    this.waiters.triedOnce()
    this.waiters.wake()
    this.handlers.here(joined)
  }

  private lose(error: unknown) {
    if (!this.seat) return
    const { commands, reader, news, since } = this.seat
    this.seat = null
    commands.destroy()
    reader.destroy()
    news.destroy()
    if (this.closed) return
    const first = this.retry.lost(this.deps.clock.monotonic() - since)
    this.trouble.begin(error)
    this.handlers.away()
    const wait = this.retry.next()
    // The error just said which node has our slot; otherwise somebody is dialled soon.
    this.connectIn(first && replyCode(error) === 'MOVED' ? 0 : wait, error)
  }

  private async joinAgain(seat: Seat): Promise<number> {
    const { commands, term } = seat
    const givenUp = () => (this.seat === seat ? undefined : away())
    let joined: Joined
    try {
      joined = await joinOn(this.seats, commands, { term: term ?? seat.run, givenUp })
    } catch (error) {
      // What this connection still has under way must not count any longer when this node is asked what it knows.
      if (error instanceof OtherTerm && this.seat === seat) this.lose(error)
      throw error
    }
    if (this.seat !== seat) throw away()
    this.generation++
    seat.run = joined.run
    if (joined.epoch !== this.epoch) {
      this.epoch = joined.epoch
      this.handlers.here(joined.epoch)
    }
    return joined.appends
  }
}
