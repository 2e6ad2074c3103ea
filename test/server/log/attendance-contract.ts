import { afterEach, describe, expect, test } from 'vitest'
import { CLAIM, type Attendance } from '../../../src/server/log/attendance.js'
import type { LogUnderTest } from './topic-log-contract.js'

/** What every log guarantees about presence. */
export function attendanceContract(name: string, makeLog: () => Promise<LogUnderTest>): void {
  const open: LogUnderTest[] = []
  const make = async () => {
    const made = await makeLog()
    open.push(made)
    return { ...made, one: made.log.attendance!, two: made.other.attendance! }
  }
  afterEach(async () => {
    await Promise.all(open.splice(0).map((made) => made.close()))
  })

  const put = (on: Attendance, session: string, row = JSON.stringify(session), topic = 't', most = 10) =>
    on.change(topic, most, () => ({ set: [{ session, row }], gone: [] }))
  const take = (on: Attendance, session: string, topic = 't') =>
    on.change(topic, 10, () => ({ set: [], gone: [{ session, ids: `["${session}"]` }] }))
  const rows = async (on: Attendance, topic = 't') => [...(await on.list(topic)).rows].sort()

  describe(`${name}: the list of members`, () => {
    test('is one list for all servers, and each change is a message at its position', async () => {
      const { log, one, two } = await make()
      await log.admit('a', 1)
      await log.admit('ü\ud800', 1)
      expect(await two.list('t')).toMatchObject({ offset: 0, rows: [] })
      await put(one, 'a', '{"n":1}')
      await put(two, 'ü\ud800')
      await put(two, 'a', '{"n":2}')
      const { epoch, offset } = await log.head('t')
      expect(await one.list('t')).toMatchObject({ epoch, offset, rows: expect.any(Array) })
      expect(await rows(one)).toEqual(['"ü\\ud800"', '{"n":2}'])
      await take(one, 'a')
      expect(await rows(two)).toHaveLength(1)
      const { entries } = await log.read('t', 0, { maxMessages: 100, maxBytes: 1e9 })
      expect(entries.map(({ data }) => data)).toEqual([
        '{"set":[{"n":1}],"gone":[]}',
        '{"set":["ü\\ud800"],"gone":[]}',
        '{"set":[{"n":2}],"gone":[]}',
        '{"set":[],"gone":[["a"]]}',
      ])
      expect(await rows(one, 'another')).toEqual([])
    })

    test('does not change where a member that is not listed leaves', async () => {
      const { log, one } = await make()
      await take(one, 'nobody')
      expect(await log.head('t')).toMatchObject({ offset: 0 })
    })

    test('has a limit of topics for a session across servers, within which its data may change', async () => {
      const { log, one, two } = await make()
      await log.admit('s', 1)
      expect(await put(one, 's', '1', 't', 2)).toEqual({ refused: new Set() })
      expect(await put(two, 's', '1', 'u', 2)).toEqual({ refused: new Set() })
      expect(await put(two, 's', '1', 'v', 2)).toEqual({ refused: new Set(['s']) })
      expect(await log.head('v')).toMatchObject({ offset: 0 })
      expect(await put(one, 's', '2', 'u', 2)).toEqual({ refused: new Set() })
      await take(one, 's', 't')
      expect(await put(one, 's', '1', 'v', 2)).toEqual({ refused: new Set() })
      expect(await rows(one, 'v')).toEqual(['1'])
    })

    test('has one salt for all servers', async () => {
      const { one, two } = await make()
      const salts: string[] = []
      for (const on of [one, two, one])
        await on.change('t', 10, (salt) => {
          salts.push(salt)
          return { set: [{ session: 's', row: `"${salt}"` }], gone: [] }
        })
      const { salt } = await one.list('t')
      expect((await two.list('other')).salt).toBe(salt)
      expect(await rows(one)).toEqual([`"${salt}"`])
      expect(salts.slice(-1)).toEqual([salt])
    })

    test('loses a session whose last leg has been gone for the grace, in all its topics, and keeps one that came back', async () => {
      const { log, other, one, two, pass } = await make()
      await log.admit('s', 1)
      await log.admit('back', 1)
      for (const topic of ['t', 'u']) await put(one, 's', '"row"', topic)
      await put(one, 'back')
      await other.admit('s', 2)
      await log.release('s', 1)
      await pass(6_000)
      expect(await two.departed(5_000)).toEqual([])
      await other.release('s', 2)
      await log.release('back', 1)
      await pass(4_000)
      expect(await one.departed(5_000)).toEqual([])
      await other.admit('back', 2)
      await pass(2_000)
      const gone = await two.departed(5_000)
      expect([...gone].sort((a, b) => (a.topic < b.topic ? -1 : 1))).toEqual([
        { session: 's', topic: 't', row: '"row"' },
        { session: 's', topic: 'u', row: '"row"' },
      ])
      // A departure goes to one caller at first, and to another one if the first dies before it is done.
      expect(await one.departed(5_000)).toEqual([])
      await take(two, 's')
      await pass(CLAIM + 1)
      expect(await one.departed(5_000)).toEqual([{ session: 's', topic: 'u', row: '"row"' }])
      await take(one, 's', 'u')
      await pass(CLAIM + 1)
      expect(await one.departed(0)).toEqual([])
      expect(await rows(one)).toEqual(['"back"'])
    })

    test('keeps a session that is back before its departure was announced', async () => {
      const { log, other, one, two, pass } = await make()
      await log.admit('s', 1)
      await put(one, 's')
      await log.release('s', 1)
      await pass(6_000)
      expect(await one.departed(5_000)).toHaveLength(1)
      await other.admit('s', 2)
      await put(two, 's', '"back"')
      const departed = () =>
        one.change('t', 10, () => ({ set: [], gone: [{ session: 's', ids: '["s"]', departed: true }] }))
      await departed()
      expect(await rows(two)).toEqual(['"back"'])
      expect(await log.head('t')).toMatchObject({ offset: 2 })
      await other.release('s', 2)
      await departed()
      expect(await rows(two)).toEqual([])
    })

    test('gives a departure to another server where the one that took it dies', async () => {
      const { log, one, two, pass } = await make()
      await log.admit('s', 1)
      await put(one, 's')
      await log.release('s', 1)
      expect(await one.departed(5_000, 's')).toHaveLength(1)
      await pass(CLAIM - 1)
      expect(await two.departed(5_000)).toEqual([])
      await pass(2)
      expect(await two.departed(5_000)).toHaveLength(1)
    })

    test('can be asked for one departure, and loses a session that entered after it was gone', async () => {
      const { log, one, two, pass } = await make()
      await log.admit('here', 1)
      await put(one, 'here')
      await put(one, 'late')
      await put(one, 'unasked')
      expect(await one.departed(5_000, 'here')).toEqual([])
      expect(await one.departed(5_000, 'late')).toEqual([{ session: 'late', topic: 't', row: '"late"' }])
      await pass(CLAIM + 5_001)
      const gone = await two.departed(5_000)
      expect([...gone].sort((a, b) => (a.session < b.session ? -1 : 1))).toEqual([
        { session: 'late', topic: 't', row: '"late"' },
        { session: 'unasked', topic: 't', row: '"unasked"' },
      ])
    })

    test('is empty after the log lost its data', async () => {
      const { log, one, lose } = await make()
      await log.admit('s', 1)
      await put(one, 's')
      await lose()
      expect(await one.list('t')).toMatchObject({ offset: 0, rows: [] })
      await put(one, 's')
      expect(await rows(one)).toEqual(['"s"'])
    })
  })
}
