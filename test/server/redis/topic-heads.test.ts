import { expect, test } from 'vitest'
import { createKeys } from '../../../src/server/redis/keys.js'
import { createSleep } from '../../../src/server/redis/sleep.js'
import { createTopicHeads } from '../../../src/server/redis/topic-heads.js'
import { createSimulatedClock } from '../kit.js'

test('no head is kept of a topic without followers, even when a read was under way', async () => {
  const clock = createSimulatedClock()
  const followed = new Set(['t'])
  let asked = 0
  const heads = createTopicHeads({
    connection: { run: async () => ['ok', 'e', 0, 1, 0, '0-0', ''], knows: () => undefined } as never,
    script: {} as never,
    keys: createKeys('test'),
    clock,
    sleep: createSleep(clock),
    follows: (topic) => followed.has(topic),
    asked: () => void asked++,
  })
  await heads.soon('t')
  const second = heads.soon('t')
  expect(asked).toBe(1)
  followed.delete('t')
  heads.forget('t')
  await clock.advance(100)
  await second
  // If the time of the last question were remembered, this one would have to wait.
  await heads.soon('t')
  expect(asked).toBe(3)
})
