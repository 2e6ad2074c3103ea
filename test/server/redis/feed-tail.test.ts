import { describe, expect, test } from 'vitest'
import { FeedTail, type FeedHead } from '../../../src/server/redis/feed-tail.js'
import type { LogEntry, TailEvent } from '../../../src/server/log/topic-log.js'
import { createSimulatedClock } from '../../../src/testing/simulated-clock.js'

const turns = async (count = 20) => {
  for (let at = 0; at < count; at++) await new Promise<void>((resolve) => void setImmediate(resolve))
}
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** A simulated Redis: its data, and how it answers. */
function byHand() {
  const clock = createSimulatedClock()
  const redis = {
    epoch: 'e1.0',
    offset: 0,
    appends: 0,
    /** The newest id of the feed. */
    at: '0-0',
    here: true,
    refuses: false,
    heads: 0,
    checks: 0,
  }
  const errors: unknown[] = []
  const reads: { from: string; answer(reply: unknown): void; fail(error: Error): void }[] = []
  const pages: { after: number; answer(page: { epoch: string; entries: LogEntry[] }): void }[] = []
  let byItself = true
  const head = (): FeedHead => ({
    epoch: redis.epoch,
    offset: redis.offset,
    oldest: 1,
    seq: redis.appends,
    at: redis.at,
  })
  const entries = (after: number) => range(after + 1, redis.offset).map((offset) => ({ offset, data: `${offset}` }))
  const tail = new FeedTail({
    clock,
    feed: 'feed',
    read: (command) => new Promise((answer, fail) => void reads.push({ from: command.at(-1)!, answer, fail })),
    async head() {
      redis.heads++
      if (redis.refuses) throw new Error('refused')
      return head()
    },
    entries: (_, after) =>
      byItself
        ? Promise.resolve({ epoch: redis.epoch, entries: entries(after) })
        : new Promise((answer) => void pages.push({ after, answer })),
    async confirmEpoch() {
      redis.checks++
      return redis.appends
    },
    knows: () => undefined,
    here: () => redis.here,
    onError: (error) => errors.push(error),
  })
  const append = () => {
    redis.offset++
    redis.appends++
    redis.at = `${redis.appends}-0`
    return [redis.at, [`${redis.appends}:${redis.offset}:${redis.epoch}:n.${redis.appends}:=t`, `${redis.offset}`]]
  }
  return {
    tail,
    redis,
    clock,
    errors,
    reads,
    pages,
    pagesByHand: () => void (byItself = false),
    append,
    /** Delivers entries of the feed. */
    async brings(...entries: unknown[]) {
      reads.pop()!.answer([['feed', entries]])
      await turns()
      // While much comes in, the next read waits a moment.
      await clock.advance(10)
      await turns()
    },
    async nothing() {
      reads.pop()!.answer(null)
      await turns()
    },
    async follow(topic = 't') {
      const events: TailEvent[] = []
      await tail.start(topic, (event) => void events.push(event))
      await turns()
      return { events, offsets: () => events.flatMap((event) => (event.type === 'entry' ? [event.entry.offset] : [])) }
    },
  }
}

describe('a tail catches up on what it missed', () => {
  test('even after Redis refused its reads again and again', async () => {
    const { redis, follow, append, brings, clock, errors } = byHand()
    const tail = await follow()
    append()
    redis.refuses = true
    // The feed does not contain the first append.
    await brings(append())
    for (let at = 0; at < 5; at++) await brings(append())
    await clock.advance(5_000)
    expect(tail.offsets()).toEqual([])
    expect(errors.length).toBeGreaterThan(5)
    redis.refuses = false
    await clock.advance(1_000)
    await turns()
    await brings(append())
    expect(tail.offsets()).toEqual(range(1, 8))
    expect(clock.pending).toBe(0)
  })

  test('however many entries came meanwhile', async () => {
    const { redis, follow, append, brings, clock } = byHand()
    const tail = await follow()
    append()
    redis.refuses = true
    for (let at = 0; at < 50; at++) await brings(...Array.from({ length: 100 }, append))
    redis.refuses = false
    await clock.advance(1_000)
    await turns()
    expect(tail.offsets()).toEqual(range(1, 5_001))
  })

  test('even where a new epoch begins while it catches up', async () => {
    const { tail, redis, follow, append, brings, nothing, pages, pagesByHand } = byHand()
    const one = await follow()
    pagesByHand()
    redis.offset = 100
    tail.wake()
    await turns()
    expect(pages).toHaveLength(1)
    Object.assign(redis, { epoch: 'e2.0', offset: 3, appends: 103, at: '103-0' })
    tail.wake()
    await turns()
    // The new epoch has no entries above the position that the first one asked for.
    pages[0]!.answer({ epoch: 'e2.0', entries: [] })
    await turns()
    await nothing()
    await brings(append())
    expect(one.events).toEqual([
      { type: 'epoch', head: { epoch: 'e2.0', offset: 3, oldest: 1 } },
      { type: 'entry', epoch: 'e2.0', entry: { offset: 4, data: '4' } },
    ])
  })
})

test('a tail skips entries of an older epoch that the feed still has', async () => {
  const { redis, follow, append, brings } = byHand()
  await follow('u')
  const left = [append(), append()]
  Object.assign(redis, { epoch: 'e1.1', offset: 0 })
  const one = await follow()
  const before = redis.heads
  await brings(...left)
  expect(redis.heads).toBeLessThanOrEqual(before + 2)
  await brings(append(), append())
  expect(one.offsets()).toEqual([1, 2])
})

describe('the feed is read from its current end', () => {
  test('also where a new Redis has a clock that is behind', async () => {
    const { tail, redis, follow, reads, append, brings } = byHand()
    redis.at = '99999-0'
    const one = await follow()
    expect(reads.at(-1)!.from).toBe('99999-0')
    Object.assign(redis, { epoch: 'e2.0', offset: 0, appends: 0, at: '5-0' })
    tail.wake()
    await turns()
    // The earlier read no longer counts.
    reads[0]!.answer([['feed', [['100000-0', ['7:7:e1.0:n.7:=t', '7']]]]])
    await turns()
    expect(reads.at(-1)!.from).toBe('5-0')
    await brings(append())
    expect(one.offsets()).toEqual([1])
  })

  test('and a deleted or incomplete feed is noticed by the count of appends', async () => {
    const { redis, follow, reads, append, nothing } = byHand()
    redis.at = '99999-0'
    const one = await follow()
    await nothing()
    append()
    await nothing()
    await nothing()
    await turns()
    expect(one.offsets()).toEqual([1])
    expect(reads.at(-1)!.from).toBe('1-0')
  })

  test('and a quiet feed is checked once a second, and no more', async () => {
    const { redis, follow, nothing } = byHand()
    await follow()
    const before = redis.heads
    for (let at = 0; at < 20; at++) await nothing()
    expect(redis.heads).toBe(before)
    expect(redis.checks).toBe(20)
  })
})
