import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.js'
import { memoryLog } from '../../../src/server/index.js'
import { liveServer } from '../kit.js'
import { lateFirstCopy } from './late-copies.js'

test('an acknowledged publish whose first copy arrives late is not applied again, even after its answer has expired', async () => {
  const log = memoryLog({ dedupe: { maxIds: 1 } })
  await lateFirstCopy(() => log)
}, 20_000)

test('server rule 4: after the log lost its data, an old leg gets outcome-unknown once, and publishes normally once it has answered a ping', async () => {
  // Time passes only when the test says so: a publish sent in the millisecond of a loss may be from before the loss.
  let passed = 0
  const clock = {
    ...systemClock,
    now: () => systemClock.now() + passed,
    monotonic: () => systemClock.monotonic() + passed,
  }
  const log = memoryLog({ clock })
  const server = await liveServer({ log, clock })
  const leg = await server.join({ session: 's', topics: {} })
  leg.send({ type: 'publish', id: 'a', topic: 't', n: 1, data: 1 })
  expect(await leg.next('ack')).toMatchObject({ id: 'a', offset: 1 })
  log.forget()
  passed += 10
  leg.send({ type: 'publish', id: 'b', topic: 't', n: 2, data: 2 })
  expect(await leg.next('nack')).toMatchObject({ id: 'b', code: 'outcome-unknown' })
  // The ping left before that answer, and its pong arrives before what is sent next.
  leg.send({ type: 'publish', id: 'c', topic: 't', n: 3, data: 3 })
  expect(await leg.next('ack')).toMatchObject({ id: 'c', offset: 1 })
  // An answer that was given does not change.
  leg.send({ type: 'publish', id: 'b', topic: 't', n: 2, data: 2, age: 10 })
  expect(await leg.next('nack')).toMatchObject({ id: 'b', code: 'outcome-unknown' })
})
