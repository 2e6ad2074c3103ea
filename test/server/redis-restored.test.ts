import { expect, test } from 'vitest'
import { append, follow, here, redisWith, until } from './redis-kit.js'

/** A Redis that lost its tail, and not everything: it is what it was some time ago. */

test('killed twice since its last snapshot: the epoch of the time in between is not used again', async () => {
  const { redis, open } = await redisWith()
  const log = open()
  await append(log)
  await redis.command('SAVE')
  const epochs = [(await log.head('t')).epoch]
  for (let time = 0; time < 3; time++) {
    await redis.kill()
    await redis.start()
    await here(log)
    await append(log, `"after ${time}"`)
    epochs.push((await log.head('t')).epoch)
  }
  expect(new Set(epochs).size).toBe(4)
})
