import type { RedisServer } from '../../test/kit/redis-server.js'
import { createKeys } from '../../src/server/redis/keys.js'
import type { Unknown } from './check.js'

/** How far the clocks of two processes on one machine may differ, ms. */
const SLACK = 100

/** How many publishes were applied after their publisher received `outcome-unknown`. */
export async function overturned(redis: RedisServer, unknowns: readonly Unknown[]): Promise<number> {
  const keys = createKeys('livesocket')
  const epoch = await redis.command('HGET', keys.root, 'epoch')
  const streams = new Map<string, Map<number, number>>()
  let count = 0
  for (const { topic, n, at } of unknowns) {
    const appended =
      streams.get(topic) ?? appendTimes(await redis.command('XRANGE', keys.topic(String(epoch), topic), '-', '+'))
    streams.set(topic, appended)
    if ((appended.get(n) ?? 0) > at + SLACK) count++
  }
  return count
}

/** When each message was appended, by its number. */
function appendTimes(entries: unknown): Map<number, number> {
  const times = new Map<number, number>()
  for (const [, fields] of entries as [string, string[]][]) {
    const field = (name: string) => fields[fields.indexOf(name) + 1] ?? ''
    // The id of the publish follows the data, on a line of its own.
    const [data = ''] = field('d').split('\n')
    times.set((JSON.parse(data) as { n: number }).n, Number(field('a')))
  }
  return times
}
