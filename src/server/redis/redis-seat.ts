import type { Clock } from '../../base/clock.js'
import type { Keys } from './keys.js'
import type { RedisDialler } from './redis-dialler.js'
import { createRedisReader, type RedisReader } from './redis-reader.js'
import type { RedisRoute } from './redis-route.js'
import type { RedisSocket } from './redis-socket.js'
import type { RedisPlace } from './redis-source.js'
import { clusterNodes, infoOf } from './redis-info.js'
import type { RedisTrouble } from './redis-trouble.js'
import type { Joined, RollCall, RollSeat } from './roll-call.js'
import type { ScriptRunner } from './script-runner.js'

/** A node's established connection to Redis. */
export interface Seat {
  readonly place: RedisPlace
  readonly commands: RedisSocket
  readonly term: string | null
  /** What the scripts have to find in the root. */
  run: string
  readonly since: number
  readonly reader: RedisReader
  /** Another one, for what servers tell each other: opened when a server listens. */
  readonly news: RedisReader
}

export interface SeatDeps {
  readonly dialler: RedisDialler
  readonly route: RedisRoute
  readonly trouble: RedisTrouble
  readonly runner: ScriptRunner
  readonly rollCall: RollCall
  readonly keys: Keys
  readonly clock: Clock
  closed(): boolean
  /** That connection has died, or leads to another Redis meanwhile. */
  lost(commands: RedisSocket, error: unknown): void
  /** Redis is there, but other nodes have to answer first. */
  waits(): void
}

/**
 * Connects to that place and asks which epoch holds; then calls `seated`, in the same turn. Rejects if the place does
 * not work.
 */
export async function takeSeat(
  deps: SeatDeps,
  place: RedisPlace,
  seated: (seat: Seat, epoch: string) => void,
): Promise<void> {
  let broken: unknown
  let opened: RedisSocket | null = null
  const commands = await deps.dialler.open(place, (error) => {
    broken ??= error
    if (opened) deps.lost(opened, error)
  })
  opened = commands
  try {
    const givenUp = () => broken ?? (deps.closed() ? new Error('closed') : undefined)
    const { seat, epoch } = await sitDown(deps, place, commands, givenUp)
    await deps.runner.load(commands)
    if (broken !== undefined) throw broken
    if (deps.closed()) throw new Error('closed')
    seated(seat, epoch)
  } catch (error) {
    commands.destroy()
    throw error
  }
}

export function joinOn(
  { rollCall, runner }: Pick<SeatDeps, 'rollCall' | 'runner'>,
  commands: RedisSocket,
  seat: Omit<RollSeat, 'evaluate'>,
): Promise<Joined> {
  return rollCall.join({
    ...seat,
    evaluate: (script, keys, args) => runner.evaluateLoaded(commands, script, keys, args),
  })
}

async function sitDown(
  deps: SeatDeps,
  place: RedisPlace,
  commands: RedisSocket,
  givenUp: () => unknown,
): Promise<{ seat: Seat; epoch: string }> {
  const { cluster, term } = await infoOf(commands, deps.trouble.tell)
  if (cluster) deps.route.learn(place, await clusterNodes(commands, deps.keys.root))
  const { epoch, run } = await joinOn(deps, commands, { term, givenUp, waits: deps.waits })
  const newReader = () =>
    createRedisReader(
      term,
      (gone) => deps.dialler.open(place, gone),
      (error) => deps.lost(commands, error),
    )
  return {
    seat: { place, commands, reader: newReader(), news: newReader(), term, run, since: deps.clock.monotonic() },
    epoch,
  }
}
