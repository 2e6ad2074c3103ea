import { describe, expect, test } from 'vitest'
import type { Position, TopicAnswer } from '../../../src/protocol/frames.js'
import { memoryLog, type MemoryLog } from '../../../src/server/log/memory-log.js'
import { TopicFeed } from '../../../src/server/topics/topic-feed.js'
import type { TailEvent, TopicLog } from '../../../src/server/log/topic-log.js'
import type { ReaderSink } from '../../../src/server/topics/topic-reader.js'
import { seededRandom } from '../../../src/testing/seeded-random.js'
import { createSimulatedClock } from '../../../src/testing/simulated-clock.js'

interface Frame {
  offset: number
  prev?: number
  data?: unknown
}

/** The text of a short frame, whose length takes two bytes. */
const textOf = (frame: Buffer) => frame.toString('utf8', 2)

/** A leg that keeps what it gets, and reads only while `open`. */
interface TestLeg {
  frames: Frame[]
  answers: TopicAnswer[]
  open: boolean
  offsets(): number[]
  read(): void
  /** Callbacks that wait for room. */
  waiting: Set<() => void>
  sink: ReaderSink
}

function leg(options: { open?: boolean; sees?: (offset: number) => boolean } = {}): TestLeg {
  const frames: Frame[] = []
  const answers: TopicAnswer[] = []
  const waiting = new Set<() => void>()
  const self: TestLeg = {
    frames,
    answers,
    open: options.open ?? true,
    offsets: () => frames.map(({ offset }) => offset),
    read() {
      self.open = true
      const all = [...waiting]
      waiting.clear()
      for (const then of all) then()
    },
    waiting,
    sink: {
      message: (frame) => void frames.push(JSON.parse(textOf(frame)) as Frame),
      missed: () => undefined,
      subscribed: (_topic, answer) => {
        answers.push(answer)
        frames.length = 0
      },
      hasRoom: () => self.open,
      whenRoom: (then) => (waiting.add(then), () => void waiting.delete(then)),
      sees: (_topic, { offset }) => options.sees?.(offset) ?? true,
    },
  }
  return self
}

function feedOn(log: TopicLog, clock = createSimulatedClock()) {
  const errors: unknown[] = []
  const feed = new TopicFeed('t', { log, clock, onError: (error) => errors.push(error) })
  return {
    feed,
    clock,
    errors,
    async join(request: Position | null, reader = leg()) {
      await feed.prepare(request)
      const { answer, reader: place } = feed.join(request, reader.sink)
      feed.start(place)
      return { ...reader, reader, answer, leave: () => feed.leave(place) }
    },
  }
}

const fill = async (log: TopicLog, count: number) => {
  for (let at = 0; at < count; at++) await log.append({ topic: 't', data: '1' })
}
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)
const turns = async (count = 20) => {
  for (let at = 0; at < count; at++) await new Promise<void>((resolve) => void setImmediate(resolve))
}

/** A log whose answers, and whose tail's events, come some turns late. The tail stays in order. */
function late(log: MemoryLog, random: () => number): TopicLog {
  const wait = () => turns(Math.floor(random() * 4))
  return {
    ...log,
    async head(topic) {
      await wait()
      const head = await log.head(topic)
      await wait()
      return head
    },
    async read(...ask) {
      await wait()
      const page = await log.read(...ask)
      await wait()
      return page
    },
    async tail(topic, listener) {
      await wait()
      let told = Promise.resolve()
      const stop = await log.tail(
        topic,
        (event: TailEvent) => void (told = told.then(wait).then(() => listener(event))),
      )
      await wait()
      return stop
    },
  }
}

describe('server rule 6: no message is lost between replay and live', () => {
  test.each([
    ['all messages after its position', { offset: 3 }, range(4, 13), 3],
    ['no message before its position', { offset: 10 }, range(11, 13), 10],
    ['what is still stored, where its position was trimmed', { offset: 0 }, range(3, 13), 2],
  ])('a leg that comes back gets %s', async (_, { offset }, expected, after) => {
    const log = memoryLog({ history: { maxMessages: 8 } })
    await fill(log, 10)
    const { epoch } = await log.head('t')
    const one = await feedOn(log).join({ epoch, offset })
    expect(one.answer).toEqual({ epoch, offset: 10, after })
    await turns()
    await fill(log, 3)
    expect(one.offsets()).toEqual(expected)
    expect(one.frames.every(({ prev }) => prev === undefined)).toBe(true)
  })

  test.each([
    [
      'a position of another epoch gets all that is stored',
      { maxMessages: 4 },
      { epoch: 'other', offset: 9 },
      { offset: 10, after: 6 },
    ],
    [
      'a position of another epoch gets the head where nothing is stored',
      { maxMessages: 0 },
      { epoch: 'other', offset: 2 },
      { offset: 10, after: 10 },
    ],
    ['without history a position gets the head', { maxMessages: 0 }, { offset: 2 }, { offset: 10, after: 10 }],
    ['a position beyond the head gets the head', {}, { offset: 99 }, { offset: 10, after: 10 }],
    ['a subscription without a position gets the head', {}, null, { offset: 10, after: 10 }],
  ])('%s', async (_, history, request, expected) => {
    const log = memoryLog({ history })
    await fill(log, 10)
    const { epoch } = await log.head('t')
    const { answer } = await feedOn(log).join(request && { epoch, ...request })
    expect(answer).toEqual({ epoch, ...expected })
  })

  test.each(range(1, 60).map((seed) => [seed]))(
    'with a log of random delays, each reader gets each message once and in order (seed %i)',
    async (seed) => {
      const random = seededRandom(seed)
      const kept = random() < 0.3 ? 0 : 1_000
      const log = memoryLog({ history: { maxMessages: kept } })
      await fill(log, Math.floor(random() * 600))
      const { epoch, offset: head } = await log.head('t')
      const { feed, join } = feedOn(late(log, random))
      const joining: ReturnType<typeof join>[] = []
      for (let step = 0; step < 40; step++) {
        if (random() < 0.3)
          joining.push(
            join(
              random() < 0.3 ? null : { epoch, offset: Math.floor(random() * (head + 1)) },
              leg({ open: random() < 0.7 }),
            ),
          )
        if (random() < 0.6) await fill(log, 1)
        if (random() < 0.6) await turns(1)
      }
      const readers = await Promise.all(joining)
      for (let round = 0; round < 40; round++) {
        for (const { reader } of readers) reader.read()
        await turns()
      }
      const { offset } = await log.head('t')
      for (const { answer, offsets, frames } of readers) {
        expect(answer.offset).toBeGreaterThanOrEqual(head)
        expect(offsets()).toEqual(range(answer.after + 1, offset))
        expect(frames.every(({ prev }) => prev === undefined)).toBe(true)
      }
      feed.close()
    },
  )

  test('a reader without room is sent nothing, and goes on with what is still stored once it has room', async () => {
    const log = memoryLog()
    await fill(log, 1_000)
    const { epoch } = await log.head('t')
    const slow = await feedOn(log).join({ epoch, offset: 0 }, leg({ open: false }))
    await turns()
    expect(slow.offsets()).toEqual([])
    await fill(log, 700)
    slow.reader.read()
    await turns(40)
    expect(slow.offsets().at(-1)).toBe(1_700)
    expect(slow.offsets()).toEqual(range(701, 1_700))
  })

  test('a live reader without room is sent nothing, and gets all messages once it has room', async () => {
    const log = memoryLog()
    const { feed, join } = feedOn(log)
    const [slow, fast] = [await join(null), await join(null)]
    await fill(log, 3)
    slow.reader.open = false
    await fill(log, 200)
    expect(slow.offsets()).toEqual(range(1, 3))
    expect(fast.offsets()).toEqual(range(1, 203))
    slow.reader.read()
    await fill(log, 2)
    expect(slow.offsets()).toEqual(range(1, 205))
    expect(feed.behind()).toBe('nobody')
  })

  test('a reader that leaves while it waits for room leaves nothing behind, however often it comes back', async () => {
    const log = memoryLog()
    const { join, feed } = feedOn(log)
    await fill(log, 1)
    const { epoch } = await log.head('t')
    const reader = leg({ open: false })
    for (let times = 0; times < 100; times++) (await join({ epoch, offset: 0 }, reader)).leave()
    expect(reader.waiting.size).toBe(0)
    await join({ epoch, offset: 0 }, reader)
    expect(reader.waiting.size).toBe(1)
    feed.close()
  })

  test('publishers wait for a reader that is far behind, but not for one that is a little behind or has stopped', async () => {
    const log = memoryLog()
    const { feed, join, clock } = feedOn(log)
    const slow = await join(null)
    slow.reader.open = false
    await fill(log, 200)
    expect(feed.behind()).toBe('nobody')
    await fill(log, 100)
    expect(feed.behind()).toBe('all')
    const other = await join(null)
    expect(feed.behind()).toBe('some')
    await clock.advance(1_500)
    expect(feed.behind()).toBe('nobody')
    other.leave()
    expect(feed.behind()).toBe('all')
    await clock.advance(4_000)
    expect(feed.behind()).toBe('nobody')
    slow.reader.read()
    expect(slow.offsets()).toEqual(range(1, 300))
    slow.reader.open = false
    await fill(log, 300)
    expect(feed.behind()).toBe('all')
    slow.leave()
    expect(feed.behind()).toBe('nobody')
  })

  test('a topic counts as followed by nobody only when all its readers are far behind', async () => {
    const log = memoryLog()
    const { feed, join } = feedOn(log)
    const [slow, fast] = [await join(null), await join(null)]
    slow.reader.open = false
    await fill(log, 200)
    fast.reader.open = false
    await fill(log, 100)
    expect(feed.behind()).toBe('some')
    await fill(log, 200)
    expect(feed.behind()).toBe('all')
    fast.reader.read()
    expect(feed.behind()).toBe('some')
  })

  test('publishers wait for a reader that resumes far behind as for one that has fallen behind', async () => {
    const log = memoryLog()
    await fill(log, 1)
    const { epoch } = await log.head('t')
    const { feed, join, clock } = feedOn(log)
    await join(null, leg({ open: false }))
    await fill(log, 300)
    await clock.advance(6_000)
    expect(feed.behind()).toBe('nobody')
    const again = await join({ epoch, offset: 1 }, leg({ open: false }))
    expect(feed.behind()).toBe('all')
    again.reader.read()
    expect(again.offsets()).toEqual(range(2, 301))
    expect(feed.behind()).toBe('nobody')
  })

  test('a reader is far behind by bytes as well as by number of messages', async () => {
    const log = memoryLog()
    const { feed, join } = feedOn(log)
    const slow = await join(null)
    slow.reader.open = false
    for (let at = 0; at < 2; at++) await log.append({ topic: 't', data: JSON.stringify('x'.repeat(100_000)) })
    expect(feed.behind()).toBe('all')
  })

  test('a slow reader whose messages were trimmed gets a prev that shows the gap', async () => {
    const log = memoryLog({ history: { maxMessages: 10 } })
    await fill(log, 10)
    const { epoch } = await log.head('t')
    const slow = await feedOn(log).join({ epoch, offset: 0 }, leg({ open: false }))
    await fill(log, 2_000)
    slow.reader.read()
    await turns(40)
    const [first] = slow.frames
    expect(first!.offset).toBeGreaterThan(1_000)
    // An absent `prev` would mean offset − 1: a message that the client never got.
    expect(first!.prev).toBeUndefined()
    expect(slow.offsets()).toEqual(range(first!.offset, 2_010))
  })

  test('legs that resume at one position share one read', async () => {
    const log = memoryLog()
    await fill(log, 1_000)
    const { epoch } = await log.head('t')
    let reads = 0
    const { join } = feedOn({ ...log, read: (...ask) => (reads++, log.read(...ask)) })
    const readers = await Promise.all(range(1, 50).map(() => join({ epoch, offset: 0 })))
    await turns()
    for (const { offsets } of readers) expect(offsets()).toEqual(range(1, 1_000))
    expect(reads).toBeLessThanOrEqual(5)
  })

  test('messages that a tail lost are read from the log', async () => {
    const log = memoryLog()
    const { join } = feedOn({
      ...log,
      tail: (topic, listener) =>
        log.tail(
          topic,
          (event) => void (event.type === 'entry' && event.entry.offset % 5 < 2 ? undefined : listener(event)),
        ),
    })
    const reader = await join(null)
    await fill(log, 9)
    await turns()
    expect(reader.offsets()).toEqual(range(1, 9))
  })

  test('an old message that a tail repeats is ignored, and a reader that resumes after it misses nothing', async () => {
    const log = memoryLog()
    const told: (() => void)[] = []
    const { join } = feedOn({
      ...log,
      tail: (topic, listener) =>
        log.tail(topic, (event) => {
          told.push(() => listener(event))
          listener(event)
        }),
    })
    const early = await join(null)
    await fill(log, 10)
    told[4]!()
    const { epoch } = await log.head('t')
    const back = await join({ epoch, offset: 7 })
    await turns()
    expect([early.offsets(), back.offsets()]).toEqual([range(1, 10), range(8, 10)])
  })

  test('a leg that is ahead of a late tail gets the true head of the log', async () => {
    const log = memoryLog()
    const held: (() => void)[] = []
    const { join } = feedOn({
      ...log,
      tail: (topic, listener) => log.tail(topic, (event) => void held.push(() => listener(event))),
    })
    const early = await join(null)
    await fill(log, 10)
    const { epoch } = await log.head('t')
    const back = await join({ epoch, offset: 8 })
    expect(back.answer).toEqual({ epoch, offset: 10, after: 8 })
    await fill(log, 2)
    for (const tell of held) tell()
    await turns()
    expect(back.offsets()).toEqual(range(9, 12))
    expect(early.offsets()).toEqual(range(1, 12))
  })

  test('messages trimmed since the feed began are not promised', async () => {
    const log = memoryLog({ history: { maxMessages: 10 } })
    const { join } = feedOn(log)
    await join(null)
    await fill(log, 100)
    const { epoch } = await log.head('t')
    expect((await join({ epoch, offset: 3 })).answer).toEqual({ epoch, offset: 100, after: 90 })
  })

  test('readers wait while the log cannot be read, and go on when it is back', async () => {
    const log = memoryLog()
    await fill(log, 5)
    const { epoch } = await log.head('t')
    let away = true
    const { join, errors, clock } = feedOn({
      ...log,
      read: async (...ask) => (away ? Promise.reject(new Error('away')) : log.read(...ask)),
    })
    const reader = await join({ epoch, offset: 0 })
    await clock.advance(2_000)
    expect(reader.offsets()).toEqual([])
    expect(errors.length).toBeGreaterThan(1)
    away = false
    await clock.advance(1_000)
    expect(reader.offsets()).toEqual(range(1, 5))
  })
})

test('a feed that could not begin because the log was away begins for the next reader', async () => {
  const log = memoryLog()
  await fill(log, 2)
  let away = true
  const { join } = feedOn({ ...log, tail: (...ask) => (away ? Promise.reject(new Error('away')) : log.tail(...ask)) })
  await expect(join(null)).rejects.toThrow('away')
  away = false
  const reader = await join(null)
  await fill(log, 2)
  expect(reader.offsets()).toEqual([3, 4])
})

describe('server rule 8: a new epoch is named before any message of it', () => {
  test('to a reader that is live, and to one that was still behind', async () => {
    const log = memoryLog()
    await fill(log, 3)
    const { epoch } = await log.head('t')
    const { join } = feedOn(log)
    const live = await join(null)
    const behind = await join({ epoch, offset: 0 }, leg({ open: false }))
    log.forget()
    await fill(log, 2)
    behind.reader.read()
    await turns()
    const { epoch: fresh } = await log.head('t')
    for (const { answers, offsets } of [live, behind]) {
      expect(answers).toEqual([{ epoch: fresh, offset: 0, after: 0 }])
      expect(offsets()).toEqual([1, 2])
    }
  })

  test('also where the tail does not report it, by the first entry of the new epoch', async () => {
    const log = memoryLog()
    await fill(log, 3)
    const { join } = feedOn({
      ...log,
      tail: (topic, listener) => log.tail(topic, (event) => void (event.type === 'entry' && listener(event))),
    })
    const live = await join(null)
    log.forget()
    await fill(log, 4)
    await turns()
    const { epoch } = await log.head('t')
    expect(live.answers).toEqual([{ epoch, offset: expect.any(Number), after: 0 }])
    expect(live.offsets()).toEqual(range(1, 4))
  })

  test('and no message is lost where another reader brought the new epoch before the tail reported it', async () => {
    const log = memoryLog()
    await fill(log, 3)
    let tell: (event: TailEvent) => void = () => undefined
    const { join } = feedOn({
      ...log,
      tail: async (topic, listener) => ((tell = listener), { head: await log.head(topic), stop: () => undefined }),
    })
    const live = await join(null)
    log.forget()
    await fill(log, 1)
    // A client resumes that knows the newer head.
    const { epoch } = await log.head('t')
    await join({ epoch, offset: 0 })
    await fill(log, 2)
    tell({ type: 'epoch', head: await log.head('t') })
    await turns()
    expect(live.answers).toEqual([{ epoch, offset: 1, after: 0 }])
    expect(live.offsets()).toEqual([1, 2, 3])
  })
})

describe('server rule 9: where messages are hidden', () => {
  const even = (offset: number) => offset % 2 === 0

  test('prev names the message before it that this client may see', async () => {
    const log = memoryLog()
    const { join } = feedOn(log)
    const [some, all] = [await join(null, leg({ sees: even })), await join(null)]
    await fill(log, 6)
    expect(some.frames).toMatchObject([
      { offset: 2, prev: 0 },
      { offset: 4, prev: 2 },
      { offset: 6, prev: 4 },
    ])
    expect(all.offsets()).toEqual(range(1, 6))
    expect(all.frames.every(({ prev }) => prev === undefined)).toBe(true)
  })

  test('several hidden messages soon become one message without data', async () => {
    const log = memoryLog()
    const { join, clock } = feedOn(log)
    const reader = await join(null, leg({ sees: (offset) => offset === 4 }))
    await fill(log, 3)
    expect(reader.frames).toEqual([])
    await clock.advance(100)
    expect(reader.frames).toEqual([{ type: 'message', topic: 't', offset: 3, prev: 0 }])
    await fill(log, 3)
    await clock.advance(100)
    expect(reader.frames.slice(1)).toEqual([
      { type: 'message', topic: 't', offset: 4, prev: 0, data: 1 },
      { type: 'message', topic: 't', offset: 6, prev: 4 },
    ])
    await clock.advance(1_000)
    expect(reader.frames).toHaveLength(3)
    expect(clock.pending).toBe(0)
  })

  test('a replay that ends with a hidden message ends with a message without data, at once', async () => {
    const log = memoryLog()
    await fill(log, 9)
    const { epoch } = await log.head('t')
    const reader = await feedOn(log).join({ epoch, offset: 5 }, leg({ sees: even }))
    await turns()
    expect(reader.frames).toMatchObject([{ offset: 6 }, { offset: 8, prev: 6 }, { offset: 9 }])
    expect(reader.frames[2]).not.toHaveProperty('data')
  })
})

describe('readers that are gone are sent nothing more', () => {
  test('those that left while live, while without room, and while a page was being read', async () => {
    const log = memoryLog()
    await fill(log, 1_000)
    const { epoch } = await log.head('t')
    const { join } = feedOn(log)
    const [live, full, reading] = [
      await join(null),
      await join({ epoch, offset: 990 }, leg({ open: false })),
      await join({ epoch, offset: 5 }),
    ]
    for (const reader of [live, full, reading]) reader.leave()
    await fill(log, 2)
    full.reader.read()
    await turns(40)
    expect([live, full, reading].map((reader) => reader.offsets())).toEqual([[], [], []])
  })

  test('those of a closed feed, whose tail and timers end', async () => {
    const log = memoryLog()
    let tails = 0
    const { feed, join, clock } = feedOn({
      ...log,
      async tail(...ask) {
        tails++
        const { head, stop } = await log.tail(...ask)
        return { head, stop: () => void (tails--, stop()) }
      },
    })
    const reader = await join(null, leg({ sees: () => false }))
    await fill(log, 2)
    feed.close()
    await fill(log, 2)
    await clock.advance(1_000)
    expect([reader.frames, tails, clock.pending]).toEqual([[], 0, 0])
  })
})

test('a leg ahead of the head with which the feed began gets the true head of the log', async () => {
  const log = memoryLog()
  await fill(log, 10)
  const { epoch } = await log.head('t')
  const { join } = feedOn({
    ...log,
    async tail(...ask) {
      const { head, stop } = await log.tail(...ask)
      return { head: { ...head, offset: 7 }, stop }
    },
  })
  expect((await join({ epoch, offset: 9 })).answer).toEqual({ epoch, offset: 10, after: 9 })
})
