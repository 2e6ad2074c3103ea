import { nanoid } from 'nanoid'
import type { Clock, Random } from '../../base/clock.js'
import { keyOf } from '../log/publish-record.js'
import type { Origin } from '../log/topic-log.js'
import type { Keys } from './keys.js'
import type { RedisConnection } from './redis-connection.js'
import { SCRIPTS } from './scripts.js'

/**
 * One task at a time for each publish id: in this node by a queue, between nodes by a lock in Redis, which is renewed
 * while the task runs and ends by itself within a second, should its holder die. A node that stands still for longer
 * may find another deciding beside it; that nothing is applied twice is `append`'s promise.
 */
export type PublishTurns = <Result>(origin: Origin, task: () => Promise<Result>) => Promise<Result>

const LOCK = { lives: 1_000, renewed: 300 }
/** Somebody else decides: it is asked again and again, for as long as that takes. */
const ASK = { from: 10, to: 60 }

export function createPublishTurns({
  connection,
  keys,
  clock,
  random,
}: {
  connection: RedisConnection
  keys: Keys
  clock: Clock
  random: Random
}): PublishTurns {
  const running = new Map<string, Promise<unknown>>()

  async function locked<Result>(origin: Origin, task: () => Promise<Result>): Promise<Result> {
    const lock = keys.lock(origin)
    const holder = nanoid()
    const take = async () => (await connection.runPlain(SCRIPTS.lock, [lock], [holder, `${LOCK.lives}`]))[1] === 'mine'
    while (!(await take()))
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, ASK.from + random() * (ASK.to - ASK.from)))
    let cancel: () => void = () => undefined
    const renew = () => {
      cancel = clock.setTimeout(() => {
        take().catch(() => undefined)
        renew()
      }, LOCK.renewed)
    }
    renew()
    try {
      return await task()
    } finally {
      cancel()
      // Nobody waits for it, and it ends by itself.
      connection.runPlain(SCRIPTS.unlock, [lock], [holder]).catch(() => undefined)
    }
  }

  return async (origin, task) => {
    const key = keyOf(origin)
    const mine = (running.get(key) ?? Promise.resolve()).then(() => locked(origin, task))
    const settled = mine.then(
      () => undefined,
      () => undefined,
    )
    running.set(key, settled)
    try {
      return await mine
    } finally {
      if (running.get(key) === settled) running.delete(key)
    }
  }
}
