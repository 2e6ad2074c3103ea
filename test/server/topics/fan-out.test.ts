import { expect, test } from 'vitest'
import { memoryLog } from '../../../src/server/log/memory-log.js'
import { createPublishThrottle } from '../../../src/server/publishes/publish-throttle.js'
import { TopicFeed } from '../../../src/server/topics/topic-feed.js'
import type { ReaderSink } from '../../../src/server/topics/topic-reader.js'
import { createStepClock } from '../../kit/step-clock.js'

/** The number of frames that may be under way to one reader. */
const WINDOW = 400
const TICK = 10
const COST = 0.02

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))

interface Reader {
  got: number
  missed: number
}

/**
 * Ten publishers that each send the next message as soon as the last is answered, and readers with a given rate: each
 * takes messages evenly, or in turns whatever there is for so many milliseconds at once.
 */
async function topic(takes: readonly number[], bunch = TICK) {
  const clock = createStepClock()
  const log = memoryLog({ clock })
  let published = 0
  const feed = new TopicFeed('t', { log, clock, onError: () => undefined })
  // A publish has to take time, or the publishes of one turn would never end.
  const throttle = createPublishThrottle({ ...clock, monotonic: () => clock.monotonic() + published * COST }, () =>
    feed.behind(),
  )
  const drains: (() => void)[] = []

  async function reader(perSecond: number, index: number): Promise<Reader> {
    const self = { got: 0, missed: 0 }
    let ticks = Math.round((index / takes.length) * (bunch / TICK))
    let onItsWay = 0
    let owed = 0
    let waiting: (() => void)[] = []
    const sink: ReaderSink = {
      message: () => void onItsWay++,
      missed: (count) => void (self.missed += count),
      subscribed: () => undefined,
      hasRoom: () => onItsWay < WINDOW,
      whenRoom: (then) => (waiting.push(then), () => undefined),
      sees: () => true,
    }
    drains.push(() => {
      if (++ticks % (bunch / TICK) !== 0) return
      owed = Math.min(onItsWay, owed + (perSecond * bunch) / 1_000)
      const taken = Math.floor(owed)
      owed -= taken
      onItsWay -= taken
      self.got += taken
      if (taken === 0 || onItsWay >= WINDOW) return
      const all = waiting
      waiting = []
      for (const then of all) then()
    })
    await feed.prepare(null)
    feed.start(feed.join(null, sink).reader)
    return self
  }

  const readers = await Promise.all(takes.map(reader))
  let over = false
  async function publisher() {
    while (!over) {
      await throttle.run('t', 100, () => log.append({ topic: 't', data: '1' }))
      published++
    }
  }
  return {
    readers,
    throttle,
    async lasts(ms: number) {
      const publishers = Array.from({ length: 10 }, publisher)
      for (let at = 0; at < ms; at++) {
        clock.advance(1)
        if (at % TICK === 0) for (const drain of drains) drain()
        await turn()
      }
      over = true
      for (let at = 0; at < 2_000; at++) {
        clock.advance(1)
        await turn()
      }
      await Promise.all(publishers)
      return published
    },
  }
}

test('a topic under overload is slowed to what its fastest readers take: they miss nothing, and slower readers miss messages', async () => {
  const { readers, lasts } = await topic([250, 250, 250, 250, 20, 20])
  const published = await lasts(20_000)
  expect(readers.slice(0, 4).map(({ missed }) => missed)).toEqual([0, 0, 0, 0])
  for (const slow of readers.slice(4)) expect(slow.missed).toBeGreaterThan(1_000)
  expect(published).toBeGreaterThan(250 * 20 * 0.9)
  expect(published).toBeLessThan(250 * 20 * 1.2 + 512)
})

test('readers that are served only every 2.4 s by a busy machine do not count as stopped: the topic keeps its rate, and no reader misses a message', async () => {
  const { readers, lasts } = await topic([160, 160], 2_400)
  const published = await lasts(24_000)
  expect(readers.map(({ missed }) => missed)).toEqual([0, 0])
  expect(published).toBeGreaterThan(160 * 24 * 0.8)
})

test('slow readers hold a fast one back to a thousand messages a second, and no further', async () => {
  const { lasts } = await topic([100_000, 20, 20])
  const published = await lasts(5_000)
  expect(published).toBeGreaterThan(1_000 * 5 * 0.9)
})

test('where all readers have nearly stopped, a hundred messages a second are still published', async () => {
  const { lasts } = await topic([10, 10])
  const published = await lasts(10_000)
  expect(published).toBeGreaterThan(100 * 10 * 0.9)
  expect(published).toBeLessThan(100 * 10 * 1.2 + 512)
})
