import { expect, test } from 'vitest'
import { drawTokenSchedule, scheduleByServer } from '../../src/policy/token-schedule.js'
import { seededRandom } from '../../src/testing/seeded-random.js'

const MINUTE = 60_000

test('a server’s word moves the end of a token, and the refresh stays at the place that was drawn', () => {
  const schedule = drawTokenSchedule(10 * MINUTE, {}, () => 0.5)
  expect(scheduleByServer(schedule, MINUTE, 9 * MINUTE)).toEqual(schedule)
  const longer = scheduleByServer(schedule, 5 * MINUTE, 55 * MINUTE)
  expect(longer).toMatchObject({ lifetime: 60 * MINUTE, due: 42 * MINUTE })
  expect(scheduleByServer(longer, 9 * MINUTE, 51 * MINUTE)).toEqual(longer)
})

test('clients whose tokens are cut short at one moment spread over 0.5 to 0.9 of what is left, or sooner, never past the end', () => {
  const random = seededRandom(1)
  const dues = Array.from({ length: 2_000 }, () => {
    const age = random() * 5 * MINUTE
    const cut = scheduleByServer(drawTokenSchedule(10 * MINUTE, {}, random), age, MINUTE)
    expect(cut.due).toBeLessThanOrEqual(cut.dead)
    expect(cut.dead).toBeLessThan(cut.lifetime)
    expect(cut.earliest).toBeLessThanOrEqual(cut.due)
    return cut.due - age
  })
  expect(Math.min(...dues)).toBeGreaterThan(0)
  expect(Math.max(...dues)).toBeLessThanOrEqual(0.9 * MINUTE)
  const busiest = Math.max(...Array.from({ length: 12 }, (_, bin) => dues.filter((due) => Math.floor(due / 5_000) === bin).length))
  expect(busiest).toBeLessThan(2_000 * 0.25)
})
