import { nanoid } from 'nanoid'
import type { Clock, Random } from '../../base/clock.js'
import { keyOf } from '../log/publish-record.js'
import type { Origin } from '../log/topic-log.js'
import type { Keys } from './keys.js'
import type { RedisConnection } from './redis-connection.js'
import { SCRIPTS } from './scripts.js'

/**
 * Runs one task at a time for each publish id: within this node by a queue, between nodes by a lock in Redis. The lock
 * is renewed while the task runs, and expires within a second if its holder dies. A node that stands still for longer
 * may find another one deciding at the same time; `append` still ensures that nothing is applied twice.
 */
export type PublishTurns = <Result>(origin: Origin, task: () => Promise<Result>) => Promise<Result>

const LOCK = { lives: 1_000, renewed: 300 }
/** Milliseconds between two tries while somebody else decides, for as long as that takes. */
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
      // Nobody waits for it, and the lock expires anyway.
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
