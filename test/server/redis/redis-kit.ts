import { onTestFinished } from 'vitest'
import { systemClock } from '../../../src/base/clock.js'
import {
  openRedisLog,
  type RedisLog,
  type RedisLogOptions,
  type RedisLogOutside,
} from '../../../src/server/redis/redis-log.js'
import type { TailEvent } from '../../../src/server/log/topic-log.js'
import { startRedisServer, type RedisServerOptions } from '../../kit/redis-server.js'

export const ALL = { maxMessages: 10_000, maxBytes: 1e9 }

/** A Redis of this test's own, and the logs on it. */
export async function redisWith(options: RedisServerOptions = {}) {
  const redis = await startRedisServer(options)
  onTestFinished(() => redis.close())
  const errors: unknown[] = []
  const open = (more: RedisLogOptions = {}, time?: () => number, outside: RedisLogOutside = {}): RedisLog => {
    const log = openRedisLog({ url: redis.url, onError: (error) => errors.push(error), ...more }, { time, ...outside })
    onTestFinished(() => log.close())
    return log
  }
  return { redis, open, errors }
}

export async function follow(log: RedisLog, topic = 't') {
  const events: TailEvent[] = []
  await log.tail(topic, (event) => void events.push(event))
  const offsets = () => events.flatMap((event) => (event.type === 'entry' ? [event.entry.offset] : []))
  return { events, offsets, epochs: () => events.filter(({ type }) => type === 'epoch') }
}

/** Real processes give no notice, so it checks again and again. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, patience = 10_000) {
  const from = performance.now()
  while (!(await holds())) {
    if (performance.now() - from > patience) throw new Error(`never: ${what}`)
    await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, 5))
  }
}

export const append = (log: RedisLog, data = '1', topic = 't') => log.append({ topic, data })
export const here = (log: RedisLog) => until(() => log.stats().here, 'Redis is back')
export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)
