import { expect, onTestFinished, test } from 'vitest'
import { presenceTopic } from '../../../src/protocol/own-topics.js'
import { memoryLog } from '../../../src/server/index.js'
import { createAnnouncer } from '../../../src/server/presence/announcer.js'
import { createMemberLists, pageOf } from '../../../src/server/presence/member-lists.js'
import { createSimulatedClock } from '../../../src/testing/simulated-clock.js'

const MEMBERS = 10_000
const TOPIC = presenceTopic('hall')

test('ten thousand members who join at once and change their data twice cost few messages, and a list in bounded pages', async () => {
  const clock = createSimulatedClock()
  const log = memoryLog({ history: { maxMessages: 1_000 } })
  const attendance = log.attendance!
  const announcer = createAnnouncer({ attendance, clock, maxTopics: 100 })
  const lists = createMemberLists(log, attendance, clock)
  onTestFinished(() => {
    announcer.close()
    lists.close()
  })
  const say = (n: number) =>
    Promise.all(
      Array.from({ length: MEMBERS }, (_, at) =>
        announcer.announce(TOPIC, `session-${at}`, {
          type: 'set',
          subject: `user-${at}`,
          n,
          data: JSON.stringify({ doing: `something, for the time ${n}` }),
          user: JSON.stringify({ name: `User ${at}` }),
        }),
      ),
    )
  const come = say(1)
  // Each changes what it says before the previous change was told.
  const change = Promise.all([say(2), say(3)])
  await clock.advance(10_000)
  expect((await come).every((told) => told)).toBe(true)
  await change
  const { offset } = await log.head(TOPIC)
  expect(offset).toBeLessThanOrEqual(Math.ceil(MEMBERS / 300))
  const list = await lists.get(TOPIC)
  expect(list.rows).toHaveLength(MEMBERS)
  expect(list.rows.every(({ row }) => row[3] === 3)).toBe(true)
  let pages = 0
  let seen = 0
  for (let after: string | undefined = ''; after !== undefined; pages++) {
    const page: ReturnType<typeof pageOf> = pageOf(list, after)
    expect(JSON.stringify(page.rows).length).toBeLessThan(300 * 1_024)
    seen += page.rows.length
    after = page.next
  }
  expect(seen).toBe(MEMBERS)
  expect(pages).toBeLessThan(10)
})

test('a member that comes back is announced, although its departure was about to be', async () => {
  const clock = createSimulatedClock()
  const log = memoryLog({ clock })
  const announcer = createAnnouncer({ attendance: log.attendance!, clock, maxTopics: 100 })
  onTestFinished(() => announcer.close())
  const say = (n: number) =>
    announcer.announce(TOPIC, 's', { type: 'set', subject: 'ann', n, data: `"${n}"`, user: 'null' })
  await log.admit('s', 1)
  await Promise.all([say(1), clock.advance(50)])
  await log.release('s', 1)
  await log.admit('s', 2)
  const both = [say(2), announcer.announce(TOPIC, 's', { type: 'gone', ids: '["ann","s"]' })]
  await clock.advance(200)
  await Promise.all(both)
  const { rows } = await log.attendance!.list(TOPIC)
  expect(rows.map((row) => (JSON.parse(row) as unknown[])[3])).toEqual([2])
})

test('a member that is refused and then allowed again is announced, and its departure is not', async () => {
  const clock = createSimulatedClock()
  const log = memoryLog({ clock })
  const announcer = createAnnouncer({ attendance: log.attendance!, clock, maxTopics: 100 })
  onTestFinished(() => announcer.close())
  const say = (session: string, n: number) =>
    announcer.announce(TOPIC, session, { type: 'set', subject: session, n, data: 'null', user: 'null' })
  await log.admit('s', 1)
  await Promise.all([say('another', 1), clock.advance(50)])
  const all = [announcer.announce(TOPIC, 's', { type: 'leave', subject: 's' }), say('s', 2)]
  await clock.advance(200)
  await Promise.all(all)
  expect((await log.attendance!.list(TOPIC)).rows).toHaveLength(2)
})
