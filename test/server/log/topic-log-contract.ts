import { afterEach, describe, expect, test } from 'vitest'
import type { TailEvent, TopicLog } from '../../../src/server/log/topic-log.js'

/** A log under test, and what a test may do to it. */
export interface LogUnderTest {
  readonly log: TopicLog
  /** Another server's log on the same data; or the same object, if there can be only one. */
  readonly other: TopicLog
  /** Lets time pass on the log's clock. */
  pass(ms: number): Promise<void>
  /** Loses all data, as a crash would. */
  lose(): Promise<void>
  close(): Promise<void>
}

export interface LogSettings {
  readonly history?: { maxMessages?: number; maxBytes?: number; maxAge?: number }
  readonly dedupe?: { window?: number; maxIds?: number }
}

const ALL = { maxMessages: 1_000, maxBytes: 1e9 }

/** What every log guarantees to the servers that share it. */
export function topicLogContract(name: string, makeLog: (settings: LogSettings) => Promise<LogUnderTest>): void {
  const open: LogUnderTest[] = []
  const make = async (settings: LogSettings = {}) => {
    const made = await makeLog(settings)
    open.push(made)
    return made
  }
  afterEach(async () => {
    await Promise.all(open.splice(0).map((made) => made.close()))
  })

  const fill = async (log: TopicLog, count: number, topic = 't') => {
    for (let at = 1; at <= count; at++) await log.append({ topic, data: `${at}` })
  }
  const offsets = async (log: TopicLog, after: number, limit = ALL, topic = 't') =>
    (await log.read(topic, after, limit)).entries.map(({ offset }) => offset)

  /** Collects everything that a tail reports, and waits for the next event. */
  const follow = async (log: TopicLog, topic = 't') => {
    const events: TailEvent[] = []
    let told: () => void = () => undefined
    const { head, stop } = await log.tail(topic, (event) => {
      events.push(event)
      told()
    })
    return {
      events,
      head,
      stop,
      async atLeast(count: number) {
        while (events.length < count) await new Promise<void>((resolve) => void (told = resolve))
        return events
      },
    }
  }

  describe(`${name}: numbers and history`, () => {
    test('a topic without messages has offset 0 and no history', async () => {
      const { log } = await make()
      expect(await log.head('t')).toEqual({ epoch: expect.any(String), offset: 0, oldest: 1 })
      expect((await log.read('t', 0, ALL)).entries).toEqual([])
    })

    test('offsets rise by one from 1 in each topic, whichever server appends', async () => {
      const { log, other } = await make()
      const topics = ['t', 'u', '__proto__', 'a:b*{c}\r\n\0 ü']
      for (const topic of topics) {
        expect((await log.append({ topic, data: '"x"' })).answer).toEqual({ type: 'ack', offset: 1 })
        expect((await other.append({ topic, data: '"y"' })).answer).toEqual({ type: 'ack', offset: 2 })
        const head = await log.head(topic)
        expect(head).toEqual({ epoch: (await other.head(topic)).epoch, offset: 2, oldest: 1 })
        expect(await other.read(topic, 0, ALL)).toEqual({
          epoch: head.epoch,
          entries: [
            { offset: 1, data: '"x"' },
            { offset: 2, data: '"y"' },
          ],
        })
      }
    })

    test('appends at the same time get consecutive offsets without a hole', async () => {
      const { log, other } = await make()
      const given = await Promise.all(
        Array.from({ length: 100 }, (_, at) => (at % 2 ? log : other).append({ topic: 't', data: '1' })),
      )
      expect(given.map(({ answer }) => (answer.type === 'ack' ? answer.offset! : 0)).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 100 }, (_, at) => at + 1),
      )
    })

    test('appends that a session sends without waiting are numbered in the order sent', async () => {
      const { log } = await make()
      const numbers = Array.from({ length: 100 }, (_, at) => at + 1)
      const asked = numbers.map((n) => log.append({ topic: 't', data: `${n}`, origin: { session: 's', id: `${n}` } }))
      expect((await Promise.all(asked)).map(({ answer }) => answer)).toEqual(
        numbers.map((offset) => ({ type: 'ack', offset })),
      )
    })

    test('a page begins after the offset asked for, and ends at either limit, never empty', async () => {
      const { log } = await make()
      await fill(log, 10)
      expect(await offsets(log, 3, { maxMessages: 4, maxBytes: 1e9 })).toEqual([4, 5, 6, 7])
      expect(await offsets(log, 8)).toEqual([9, 10])
      expect(await offsets(log, 10)).toEqual([])
      expect(await offsets(log, 99)).toEqual([])
      expect(await offsets(log, 0, { maxMessages: 100, maxBytes: 1 })).toEqual([1])
    })

    test.each([
      ['count', { maxMessages: 3 }, [8, 9, 10]],
      ['zero', { maxMessages: 0 }, []],
    ])('history is bounded by %s, and the head names the oldest message stored', async (_, history, kept) => {
      const { log } = await make({ history })
      await fill(log, 10)
      expect(await offsets(log, 0)).toEqual(kept)
      expect(await log.head('t')).toMatchObject({ offset: 10, oldest: kept[0] ?? 11 })
    })

    test('history is bounded by bytes', async () => {
      const { log } = await make({ history: { maxBytes: 2_000 } })
      for (let at = 0; at < 10; at++) await log.append({ topic: 't', data: JSON.stringify('ü'.repeat(300)) })
      expect((await offsets(log, 0)).length).toBeLessThanOrEqual(3)
      expect((await offsets(log, 0)).length).toBeGreaterThan(0)
    })

    test('history is bounded by age', async () => {
      const { log, pass } = await make({ history: { maxAge: 1_000 } })
      await fill(log, 2)
      await pass(1_500)
      await log.append({ topic: 't', data: '3' })
      expect(await offsets(log, 0)).toEqual([3])
      expect(await log.head('t')).toMatchObject({ offset: 3, oldest: 3 })
      await pass(1_500)
      expect(await log.head('t')).toMatchObject({ offset: 3, oldest: 4 })
    })
  })

  describe(`${name}: publish ids`, () => {
    const origin = { session: 's', id: 'p' }

    test('an id is applied once, and its first answer holds on every server', async () => {
      const { log, other } = await make()
      const entry = { topic: 't', data: '1', origin, answer: '{"made":1}' }
      const first = await log.append(entry)
      expect(first).toEqual({ answer: { type: 'ack', offset: 1, data: '{"made":1}' }, repeat: false })
      for (const at of [log, other]) {
        expect(await at.append({ ...entry, answer: '2', origin: { ...origin, age: 5 } })).toEqual({
          answer: first.answer,
          repeat: true,
        })
        expect(await at.recall(origin)).toEqual(first.answer)
        expect(await at.refuse(origin, { type: 'nack', code: 'forbidden', message: '' })).toEqual(first.answer)
      }
      expect(await log.head('t')).toMatchObject({ offset: 1 })
    })

    test('a refusal is a final answer too', async () => {
      const { log, other } = await make()
      const nack = { type: 'nack', code: 'forbidden', message: 'no' } as const
      expect(await log.recall(origin)).toBeNull()
      expect(await log.refuse(origin, nack)).toEqual(nack)
      expect(await other.append({ topic: 't', data: '1', origin })).toEqual({ answer: nack, repeat: true })
      expect(await log.head('t')).toMatchObject({ offset: 0 })
    })

    test('ids of different sessions are independent, whatever characters they contain', async () => {
      const { log } = await make()
      const pairs = [
        ['a', 'bc'],
        ['ab', 'c'],
        ['a:b', 'c'],
        ['a', 'b:c'],
        ['__proto__', 'x'],
        ['', '2:abc'],
        ['2', ':abc'],
      ] as const
      for (const [at, [session, id]] of pairs.entries()) {
        expect(await log.append({ topic: 't', data: '1', origin: { session, id } })).toMatchObject({
          repeat: false,
          answer: { offset: at + 1 },
        })
      }
    })

    test('the same id on two servers at once is applied once', async () => {
      const { log, other } = await make()
      const answers = await Promise.all(
        [log, other, log, other].map((at) => at.append({ topic: 't', data: '1', origin })),
      )
      expect(answers.filter(({ repeat }) => !repeat)).toHaveLength(1)
      expect(new Set(answers.map(({ answer }) => JSON.stringify(answer))).size).toBe(1)
    })

    test('one id is decided by one task at a time, and a task that fails lets the next one begin', async () => {
      const { log, other } = await make()
      let running = 0
      let most = 0
      const task = (fail: boolean) => async () => {
        most = Math.max(most, ++running)
        await new Promise<void>((resolve) => void setImmediate(resolve))
        running--
        if (fail) throw new Error('no')
        return 'done'
      }
      const all = await Promise.allSettled([
        log.once(origin, task(false)),
        other.once(origin, task(true)),
        log.once(origin, task(false)),
      ])
      expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(most).toBe(1)
    })

    const stale = { session: 'long-since', id: 'q' }
    test('server rule 5: a repeat within the window that the log does not know is applied as new', async () => {
      const { log, pass } = await make({ dedupe: { window: 10_000 } })
      await pass(5_000)
      expect(await log.recall({ ...stale, age: 3_000 })).toBeNull()
      expect(await log.append({ topic: 't', data: '1', origin: { ...stale, age: 3_000 } })).toMatchObject({
        repeat: false,
        answer: { type: 'ack' },
      })
    })

    test('server rule 5: a publish sent before the window is outcome-unknown, and stays so', async () => {
      const { log, other, pass } = await make({ dedupe: { window: 10_000 } })
      await log.append({ topic: 't', data: '1', origin: stale })
      await pass(20_000)
      const answer = { type: 'nack', code: 'outcome-unknown', message: expect.any(String) }
      expect(await other.append({ topic: 't', data: '1', origin: { ...stale, age: 20_000 } })).toEqual({
        answer,
        repeat: true,
      })
      expect(await log.append({ topic: 't', data: '1', origin: stale })).toEqual({ answer, repeat: true })
      expect(await log.head('t')).toMatchObject({ offset: 1 })
    })

    test('server rule 5: a publish sent before the log lost its data is outcome-unknown', async () => {
      const { log, pass, lose } = await make()
      await pass(30_000)
      await log.admit('known-session', 1)
      await log.append({ topic: 't', data: '1', origin: { session: 'known-session', id: 'a' } })
      await lose()
      await pass(1_000)
      for (const session of ['long-since', 'known-session']) {
        expect(await log.recall({ session, id: 'a', age: 5_000 })).toMatchObject({ code: 'outcome-unknown' })
        expect(await log.recall({ session, id: 'b', age: 500 })).toBeNull()
      }
    })

    test('server rule 5: a log younger than a repeat still vouches for a session whose first leg it admitted', async () => {
      const { log } = await make()
      await log.admit('new', 1)
      await log.admit('old', 2)
      expect(await log.recall({ session: 'new', id: 'a', age: 60_000 })).toBeNull()
      expect(await log.recall({ session: 'old', id: 'a', age: 60_000 })).toMatchObject({ code: 'outcome-unknown' })
    })

    test('server rule 5: where maxIds dropped ids, repeats from before are outcome-unknown', async () => {
      const { log, pass } = await make({ dedupe: { maxIds: 2 } })
      await pass(60_000)
      await log.append({ topic: 't', data: '1', origin: { session: 's', id: '1' } })
      await pass(1_000)
      for (const id of ['2', '3']) await log.append({ topic: 't', data: '1', origin: { session: 's', id } })
      expect(await log.append({ topic: 't', data: '1', origin: { session: 's', id: '1', age: 1_000 } })).toMatchObject({
        answer: { type: 'nack', code: 'outcome-unknown' },
      })
      await pass(1_000)
      expect(await log.recall({ session: 's', id: 'never seen', age: 500 })).toBeNull()
    })
  })

  describe(`${name}: the order of a session's publishes`, () => {
    const publish = (
      n: number,
      more: { topic?: string; session?: string; id?: string; age?: number; flight?: number } = {},
    ) => {
      const { topic = 't', session = 's', id = `p${n}`, ...when } = more
      return { topic, data: `${n}`, origin: { session, id, place: { topic, n }, ...when } }
    }
    const outOfOrder = { type: 'nack', code: 'out-of-order', message: expect.any(String) }
    const unknown = { type: 'nack', code: 'outcome-unknown', message: expect.any(String) }

    test('server rule 4: a publish not above the newest number of its session and topic is not applied, on any server', async () => {
      const { log, other } = await make()
      await log.admit('s', 1)
      await log.admit('r', 1)
      expect(await log.append(publish(7))).toMatchObject({ answer: { type: 'ack', offset: 1 } })
      expect(await other.append(publish(5))).toEqual({ answer: outOfOrder, repeat: true })
      expect(await other.append(publish(7, { id: 'another' }))).toEqual({ answer: outOfOrder, repeat: true })
      expect(await log.recall(publish(6).origin)).toEqual(outOfOrder)
      for (const elsewhere of [{ topic: 'u' }, { session: 'r' }])
        expect(await log.append(publish(5, { id: 'p', ...elsewhere }))).toMatchObject({ answer: { type: 'ack' } })
      expect(await log.append(publish(9))).toMatchObject({ answer: { type: 'ack', offset: 3 } })
      expect(await other.append(publish(7, { age: 5 }))).toMatchObject({
        answer: { type: 'ack', offset: 1 },
        repeat: true,
      })
      // The first final answer counts everywhere.
      expect(await log.append(publish(5, { age: 5 }))).toEqual({ answer: outOfOrder, repeat: true })
    })

    test('server rule 4: a first copy that comes after its own repeat is never applied again, even after its answer was dropped', async () => {
      const { log, other, pass } = await make({ dedupe: { maxIds: 2 } })
      await log.admit('s', 1)
      await other.admit('s', 2)
      await pass(10)
      expect(await other.append(publish(1, { age: 5, flight: 1 }))).toMatchObject({
        answer: { type: 'ack', offset: 1 },
      })
      for (let n = 2; n <= 9; n++) await other.append(publish(n))
      await pass(60_000)
      expect(await log.append(publish(1, { flight: 60_010 }))).toEqual({ answer: unknown, repeat: true })
      expect(await log.head('t')).toMatchObject({ offset: 9 })
    })

    test('server rule 4: a final refusal takes its place in the order, and a refusal for now does not', async () => {
      const { log } = await make()
      await log.admit('s', 1)
      await log.refuse(publish(3).origin, { type: 'nack', code: 'forbidden', message: '' })
      expect(await log.append(publish(2))).toEqual({ answer: outOfOrder, repeat: true })
      // 5 was refused temporarily, which is not recorded; 6 was applied.
      await log.append(publish(6))
      expect(await log.append(publish(5, { age: 1 }))).toEqual({ answer: outOfOrder, repeat: true })
      expect(await log.head('t')).toMatchObject({ offset: 1 })
    })

    test('server rule 4: the publishes of one client never push out the answers of another', async () => {
      const { log, pass } = await make({ dedupe: { maxIds: 3 } })
      await log.admit('quiet', 1)
      await log.admit('loud', 1)
      await log.append(publish(1, { session: 'quiet' }))
      for (let n = 1; n <= 20; n++) await log.append(publish(n, { session: 'loud', topic: 'u' }))
      await pass(1_000)
      expect(await log.append(publish(1, { session: 'quiet', age: 1_000 }))).toMatchObject({
        answer: { type: 'ack', offset: 1 },
        repeat: true,
      })
    })

    test('server rule 4: after a loss of data only publishes that were surely sent since are applied', async () => {
      const { log, other, pass, lose } = await make()
      await log.admit('s', 1)
      await pass(1_000)
      await log.append(publish(1))
      await lose()
      await pass(1_000)
      expect(await log.append(publish(1, { flight: 2_000 }))).toEqual({ answer: unknown, repeat: true })
      expect(await other.append(publish(2, { age: 500, flight: 600 }))).toEqual({ answer: unknown, repeat: true })
      expect(await other.append(publish(2, { flight: 10 }))).toEqual({ answer: unknown, repeat: true })
      expect(await log.append(publish(3, { flight: 500 }))).toMatchObject({ answer: { type: 'ack', offset: 1 } })
      expect(await log.append(publish(4, { age: 300, flight: 500 }))).toMatchObject({
        answer: { type: 'ack', offset: 2 },
      })
    })

    test('server rule 4: what a session sent before the log forgot it is outcome-unknown', async () => {
      const { log, pass } = await make({ dedupe: { window: 1_000 } })
      await log.admit('s', 1)
      await log.append(publish(1))
      await log.release('s', 1)
      await pass(3_600_000)
      await log.admit('s', 2)
      await pass(100)
      expect(await log.append(publish(1, { flight: 3_600_100 }))).toEqual({ answer: unknown, repeat: true })
      expect(await log.append(publish(2, { flight: 50 }))).toMatchObject({ answer: { type: 'ack' } })
    })
  })

  describe(`${name}: tails and epochs`, () => {
    test('a tail delivers all appends from its start on, in order, until it is stopped', async () => {
      const { log, other } = await make()
      await fill(log, 2)
      const { events, stop, atLeast } = await follow(other)
      const elsewhere = await follow(other, 'u')
      await fill(log, 3)
      const { epoch } = await log.head('t')
      expect(await atLeast(3)).toEqual(
        [3, 4, 5].map((offset) => ({ type: 'entry', epoch, entry: { offset, data: `${offset - 2}` } })),
      )
      stop()
      await log.append({ topic: 't', data: '9' })
      await log.append({ topic: 'u', data: '1' })
      await elsewhere.atLeast(1)
      expect(events).toHaveLength(3)
    })

    test('a tail delivers every message after the head that it names, while others publish', async () => {
      const { log, other } = await make()
      await fill(log, 3)
      const filling = fill(log, 40)
      const tails = []
      for (let at = 0; at < 5; at++) tails.push(await follow(other))
      await filling
      for (const { head, atLeast } of tails) {
        const offsets = (await atLeast(43 - head.offset)).map((event) => event.type === 'entry' && event.entry.offset)
        expect(offsets).toEqual(Array.from({ length: 43 - head.offset }, (_, at) => head.offset + 1 + at))
      }
      expect(tails[0]!.head).toMatchObject({ epoch: (await log.head('t')).epoch, oldest: 1 })
    })

    test('a tail delivers neither repeats nor refusals', async () => {
      const { log } = await make()
      const { events, atLeast } = await follow(log)
      const origin = { session: 's', id: '1' }
      for (let time = 0; time < 2; time++) await log.append({ topic: 't', data: '1', origin })
      await log.refuse({ session: 's', id: '2' }, { type: 'nack', code: 'x', message: '' })
      await log.append({ topic: 't', data: '2' })
      await atLeast(2)
      expect(events.map((event) => event.type === 'entry' && event.entry.offset)).toEqual([1, 2])
    })

    test('stopping one tail of a topic does not stop another', async () => {
      const { log } = await make()
      const [one, two] = [await follow(log), await follow(log)]
      one.stop()
      one.stop()
      await log.append({ topic: 't', data: '1' })
      expect(await two.atLeast(1)).toHaveLength(1)
      expect(one.events).toEqual([])
    })

    test('a log that lost its data starts a new epoch, and a tail gets it before the first entry', async () => {
      const { log, other, lose } = await make()
      await fill(log, 3)
      const before = await log.head('t')
      const { atLeast } = await follow(other)
      await lose()
      await log.append({ topic: 't', data: '"new"' })
      const after = await log.head('t')
      expect(after).toMatchObject({ offset: 1, oldest: 1 })
      expect(after.epoch).not.toBe(before.epoch)
      const [first] = await atLeast(1)
      expect(first).toMatchObject({ type: 'epoch', head: { epoch: after.epoch } })
    })
  })

  describe(`${name}: sessions`, () => {
    test('server rule 7: a leg not above the newest one is superseded; a newer one lives beside the older', async () => {
      const { log, other } = await make()
      expect(await log.admit('s', 2)).toEqual({ outcome: 'admitted', first: true })
      expect(await other.admit('s', 2)).toEqual({ outcome: 'superseded' })
      expect(await other.admit('s', 1)).toEqual({ outcome: 'superseded' })
      expect(await other.admit('s', 3)).toEqual({ outcome: 'admitted', first: false })
    })

    test('server rule 7: presence ends once, with the last leg on any server', async () => {
      const { log, other } = await make()
      await log.admit('s', 1)
      await other.admit('s', 2)
      expect(await log.release('s', 1)).toEqual({ last: false })
      expect(await log.release('s', 1)).toEqual({ last: false })
      expect(await other.release('s', 2)).toEqual({ last: true })
      expect(await other.release('s', 2)).toEqual({ last: false })
      expect(await log.admit('s', 1)).toEqual({ outcome: 'superseded' })
      expect(await log.admit('s', 3)).toEqual({ outcome: 'admitted', first: true })
    })

    test('a session stays with the subject that began it', async () => {
      const { log, other } = await make()
      await log.admit('s', 1, 'ann')
      expect(await other.admit('s', 2, 'bob')).toEqual({ outcome: 'forbidden' })
      expect(await other.admit('s', 2)).toEqual({ outcome: 'forbidden' })
      expect(await other.admit('s', 2, 'ann')).toEqual({ outcome: 'admitted', first: false })
    })
  })
}
