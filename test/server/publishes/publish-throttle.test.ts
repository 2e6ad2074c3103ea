import { describe, expect, test } from 'vitest'
import { createPublishThrottle } from '../../../src/server/publishes/publish-throttle.js'
import { createSimulatedClock } from '../kit.js'

/** A topic log that answers at once, and readers that are far behind. */
function publisher() {
  const clock = createSimulatedClock()
  let spent = 0
  const done: string[] = []
  const state: { behind: 'nobody' | 'some' | 'all' } = { behind: 'nobody' }
  const throttle = createPublishThrottle({ ...clock, monotonic: () => clock.monotonic() + spent }, () => state.behind)
  return {
    clock,
    throttle,
    done,
    state,
    spend: (ms: number) => void (spent += ms),
    publish: (name: string, topic = 't', bytes = 100, bounded = false) =>
      throttle.run(topic, bytes, async () => void done.push(name), bounded),
    names: (count: number, from = 1) => Array.from({ length: count }, (_, at) => `${from + at}`),
  }
}

test('publishes that all readers can follow are not delayed', () => {
  const { publish, done, throttle } = publisher()
  void publish('1')
  void publish('2')
  expect(done).toEqual(['1', '2'])
  expect(throttle.slowed()).toBe(0)
})

describe('where some readers cannot follow', () => {
  test('publishes into their topic wait, in order, and other topics do not', async () => {
    const { clock, publish, done, state, names, throttle } = publisher()
    state.behind = 'some'
    for (const name of names(30)) void publish(name)
    expect(done).toEqual([])
    state.behind = 'nobody'
    void publish('31')
    void publish('other', 'elsewhere')
    expect(done).toEqual(['other'])
    await clock.advance(1)
    expect(done).toEqual(['other', ...names(31)])
    expect(throttle.slowed()).toBe(31)
  })

  test('a topic is slowed to a thousand messages or one MiB a second, and no further', async () => {
    const { clock, publish, done, state, names } = publisher()
    state.behind = 'some'
    const loop = (async () => {
      for (const name of names(200)) await publish(name)
    })()
    await clock.advance(100)
    expect(done.length).toBeGreaterThanOrEqual(80)
    expect(done.length).toBeLessThanOrEqual(160)
    await clock.advance(150)
    await loop
    const large = (async () => {
      for (const name of names(10, 201)) await publish(name, 't', 64 * 1024)
    })()
    const before = done.length
    await clock.advance(300)
    expect(done.length - before).toBeGreaterThanOrEqual(4)
    expect(done.length - before).toBeLessThanOrEqual(6)
    await clock.advance(500)
    await large
    expect(done).toEqual(names(210))
  })

  test('a topic that no reader can follow is slowed to a hundred messages a second', async () => {
    const { clock, publish, done, state, names } = publisher()
    state.behind = 'all'
    void (async () => {
      for (const name of names(100)) await publish(name)
    })()
    await clock.advance(500)
    expect(done.length).toBeGreaterThanOrEqual(40)
    expect(done.length).toBeLessThanOrEqual(60)
    state.behind = 'nobody'
    await clock.advance(2)
    expect(done).toEqual(names(100))
  })

  test('at most 1,024 publishes wait: a publisher that does not await them cannot be slowed further', async () => {
    const { clock, publish, done, state, names } = publisher()
    state.behind = 'some'
    for (const name of names(1_500)) void publish(name)
    expect(done).toEqual(names(1_500 - 1_024))
    state.behind = 'nobody'
    await clock.advance(20)
    expect(done).toEqual(names(1_500))
  })
})

test('publishes of clients all wait for their turn, however many there are, and none for longer than 8 s', async () => {
  const { clock, publish, done, state, names } = publisher()
  state.behind = 'all'
  for (const name of names(1_500)) void publish(name, 't', 100, true)
  await clock.advance(1_000)
  expect(done.length).toBeGreaterThanOrEqual(90)
  expect(done.length).toBeLessThanOrEqual(110)
  await clock.advance(7_100)
  expect(done).toEqual(names(1_500))
})

test('a loop of publishes lets the rest of the process run in between', async () => {
  const { clock, publish, done, spend } = publisher()
  const loop = (async () => {
    for (let at = 0; at < 100; at++) {
      spend(5)
      await publish(`${at}`)
    }
  })()
  for (let at = 0; at < 200; at++) await Promise.resolve()
  expect(done.length).toBeLessThanOrEqual(11)
  await clock.advance(100)
  await loop
  expect(done).toHaveLength(100)
})

test('a publish that fails rejects for its own publisher, and the next ones go on', async () => {
  const { clock, throttle, state, publish, done } = publisher()
  state.behind = 'some'
  const failed = throttle.run('t', 1, () => Promise.reject(new Error('away'))).catch((error: Error) => error.message)
  void publish('2')
  await clock.advance(5)
  expect(await failed).toBe('away')
  expect(done).toEqual(['2'])
  await clock.advance(5)
  expect(clock.pending).toBe(0)
})
