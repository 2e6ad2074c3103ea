import { expect, test } from 'vitest'
import { createKeys } from '../../../src/server/redis/keys.js'
import { createPublishTurns } from '../../../src/server/redis/publish-turns.js'
import type { RedisConnection } from '../../../src/server/redis/redis-connection.js'
import { createSimulatedClock } from '../../../src/testing/simulated-clock.js'
import { stoppable } from '../../kit/stoppable-clock.js'
import { redisWith, until } from './redis-kit.js'

const origin = { session: 's', id: 'p' }

test('a node that dies while it decides a publish delays the others by about a second at most', async () => {
  const { open } = await redisWith()
  const { clock, stop } = stoppable()
  const [dead, alive] = [open({ clock }), open()]
  await alive.head('t')
  let decides = false
  void dead.once(origin, () => new Promise(() => void (decides = true))).catch(() => undefined)
  await until(() => decides, 'it decides')
  stop()
  const begun = performance.now()
  expect(await alive.once(origin, async () => 'decided')).toBe('decided')
  // One second, plus the delays of a busy machine.
  expect(performance.now() - begun).toBeLessThan(2_500)
})

test('while one node takes long to decide a publish, no other node decides it', async () => {
  const { open } = await redisWith()
  const [slow, other] = [open(), open()]
  await other.head('t')
  let running = false
  let done: () => void = () => undefined
  const first = slow.once(
    origin,
    () =>
      new Promise<void>((resolve) => {
        running = true
        done = () => {
          running = false
          resolve()
        }
      }),
  )
  await until(() => running, 'it decides')
  const begun = performance.now()
  const second = other.once(origin, async () => running)
  await until(() => performance.now() - begun > 2_500, 'time passes')
  done()
  await first
  expect(await second).toBe(false)
})

test('a node waits for another that needs 20 s to decide a publish', async () => {
  const clock = createSimulatedClock()
  let taken = true
  const connection = { runPlain: async () => ['ok', taken ? 'taken' : 'mine'] } as unknown as RedisConnection
  const turns = createPublishTurns({ connection, keys: createKeys('p'), clock, random: () => 0.5 })
  const second = turns(origin, async () => taken)
  await clock.advance(20_000)
  taken = false
  await clock.advance(100)
  expect(await second).toBe(false)
})

test('a publish that a dead node left locked is decided even where the clock was set back', async () => {
  const { redis, open } = await redisWith()
  const log = open()
  await log.head('t')
  await redis.command('SET', createKeys('livesocket').lock(origin), 'a node that died', 'PX', '3600000')
  expect(await log.once(origin, async () => 'decided')).toBe('decided')
})
