import { expect, test } from 'vitest'
import { append, follow, here, redisWith, until } from './redis-kit.js'

/** A Redis that has lost only its newest data: it is in the state of some time ago. */

test('a Redis killed several times since its last snapshot gets a new epoch each time', async () => {
  const { redis, open } = await redisWith()
  const log = open()
  await append(log)
  await redis.command('SAVE')
  await append(log)
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

test.each([
  ['the node that published', true],
  ['a node that only listened', false],
])(
  'an older copy restored in a Redis that writes each change to disk gets a new epoch, because %s remembers more',
  async (_, published) => {
    const { redis, open } = await redisWith({ persistence: 'always' })
    const [publisher, listener] = [open(), published ? null : open()]
    const tail = listener && (await follow(listener))
    const before = await publisher.head('t')
    for (let at = 0; at < 3; at++) await append(publisher)
    const backup = await redis.backup()
    for (let at = 0; at < 3; at++) await append(publisher)
    if (tail) await until(() => tail.offsets().length === 6, 'all are told of')
    if (listener) await publisher.close()
    await redis.kill()
    await redis.start(backup)
    const log = listener ?? publisher
    await here(log)
    expect((await append(log, '"new"')).answer).toEqual({ type: 'ack', offset: 1 })
    expect((await log.head('t')).epoch).not.toBe(before.epoch)
    if (tail) await until(() => tail.epochs().length === 1, 'the epoch is told of')
  },
)

test('a Redis that writes each change to disk keeps its epoch when it is restored as it was', async () => {
  const { redis, open } = await redisWith({ persistence: 'always' })
  const log = open()
  for (let at = 0; at < 3; at++) await append(log)
  const before = await log.head('t')
  const backup = await redis.backup()
  await redis.kill()
  await redis.start(backup)
  await here(log)
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 4 })
  expect((await log.head('t')).epoch).toBe(before.epoch)
})
