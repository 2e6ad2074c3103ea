import { describe, expect, test } from 'vitest'
import { drawTokenSchedule, refreshDue, scheduleByServer, type TokenSchedule } from '../../src/policy/token-schedule.js'
import { seededRandom } from '../../src/testing/seeded-random.js'

const MINUTE = 60_000
const LIFETIME = 10 * MINUTE

/** The tokens of many clients at one moment, long after they logged in: each at a random age before its refresh. */
function tokensInUse(clients: number): { schedule: TokenSchedule; age: number }[] {
  const random = seededRandom(1)
  return Array.from({ length: clients }, () => {
    for (;;) {
      const schedule = drawTokenSchedule(LIFETIME, {}, random)
      const age = random() * 0.9 * LIFETIME
      if (age < schedule.due) return { schedule, age }
    }
  })
}

test('a lifetime from the server changes the end of a token, and the refresh stays at the drawn fraction of it', () => {
  const schedule = drawTokenSchedule(LIFETIME, {}, () => 0.5)
  expect(scheduleByServer(schedule, MINUTE, 9 * MINUTE)).toEqual(schedule)
  const longer = scheduleByServer(schedule, 5 * MINUTE, 55 * MINUTE)
  expect(longer).toMatchObject({ lifetime: 60 * MINUTE, due: 42 * MINUTE })
  expect(scheduleByServer(longer, 9 * MINUTE, 51 * MINUTE)).toEqual(longer)
})

describe('clients whose tokens are cut short at one moment', () => {
  test.each([
    ['spread over what is left', false, 2],
    ['spread even in hidden tabs, and refresh early enough for late timers', true, 7],
  ])('%s', (_, hidden, most) => {
    for (const left of [30_000, MINUTE, 3 * MINUTE]) {
      const waits = tokensInUse(10_000).map(({ schedule, age }) => {
        const cut = scheduleByServer(schedule, age, left)
        expect([cut.earliest <= cut.due, cut.due <= cut.dead, cut.dead < cut.lifetime]).toEqual([true, true, true])
        return refreshDue(cut, hidden) - age
      })
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...waits)).toBeLessThanOrEqual(0.9 * left)
      const bins = Array.from(
        { length: 30 },
        (_, bin) => waits.filter((wait) => Math.floor((wait / left) * 30) === bin).length,
      )
      expect(Math.max(...bins)).toBeLessThan((most * 10_000) / 30)
    }
  })

  test('change nothing when the server repeats the lifetime, and stay spread when it shortens it again', () => {
    const random = seededRandom(2)
    const waits = tokensInUse(2_000).map(({ schedule, age }) => {
      const cut = scheduleByServer(schedule, age, MINUTE)
      const later = age + random() * (cut.due - age)
      expect(scheduleByServer(cut, later, MINUTE - (later - age)).due).toBeCloseTo(cut.due, 6)
      return scheduleByServer(cut, age, MINUTE / 2).due - age
    })
    expect(Math.max(...waits)).toBeLessThanOrEqual(MINUTE / 2)
    const bins = Array.from({ length: 10 }, (_, bin) => waits.filter((wait) => Math.floor(wait / 3_000) === bin).length)
    expect(Math.max(...bins)).toBeLessThan(2_000 * 0.2)
  })

  test('do not fetch again at once tokens that were fetched just before', () => {
    const random = seededRandom(3)
    for (let i = 0; i < 1_000; i++) {
      expect(scheduleByServer(drawTokenSchedule(LIFETIME, {}, random), 0, MINUTE).due).toBeGreaterThanOrEqual(
        MINUTE / 2,
      )
    }
  })
})
