import { expect, test } from 'vitest'
import { reconnectDelay } from '../../src/policy/delay.js'
import { createGreeted } from '../../src/server/admission/greeted.js'
import { reconnectSpread } from '../../src/server/reconnect-spread.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { createStepClock } from '../kit/step-clock.js'

/** The most dials in any one second of that many clients whose server is gone. */
function busiest(clients: number, spread: number, random: () => number): number {
  const dials = Array.from({ length: clients }, () => reconnectDelay({ failures: 0, spread }, random))
  dials.sort((a, b) => a - b)
  let first = 0
  return dials.reduce((most, at, index) => {
    while (dials[first]! <= at - 1_000) first++
    return Math.max(most, index - first + 1)
  }, 0)
}

test.each([
  [2_000, 120],
  [5_000, 300],
  [40_000, 2_400],
])(
  'without a spread that is set, %s clients of a server that is gone come back little slower than %s a second allow, and seldom exceed that by a tenth',
  (clients, perSecond) => {
    const spread = reconnectSpread(undefined, () => perSecond)(clients)!
    expect(spread).toBeLessThanOrEqual((clients / perSecond) * 1_000 * 1.2)
    const random = seededRandom(5)
    const peaks = Array.from({ length: Math.min(50, 200_000 / clients) }, () => busiest(clients, spread, random))
    expect(peaks.filter((peak) => peak > perSecond * 1.1).length).toBeLessThanOrEqual(peaks.length / 4)
  },
)

test('the default spread adds at most a fifth for chance, and stays within the spread that clients use on their own', () => {
  const spread = reconnectSpread(undefined, () => 10)
  expect(spread(100)).toBe(12_000)
  expect(spread(1_000)).toBe(30_000)
  expect(spread(1)).toBe(1_000)
})

test('a bunch of welcomes does not make a server count as faster than it is: while clients wait, its rate is what its limit allowed', () => {
  const clock = createStepClock()
  let room: number | null = null
  const greeted = createGreeted(
    () => clock.monotonic(),
    () => room,
  )
  const bunch = (welcomes: number) => {
    for (let at = 0; at < welcomes; at++) greeted.add()
  }
  clock.advance(1_000)
  bunch(70)
  // None had to wait: the server carried all that came.
  expect(greeted.bestSecond).toBe(70)
  clock.advance(1_000)
  room = 120
  // 60 every half second, one of which was late.
  bunch(60)
  clock.advance(500)
  bunch(60)
  clock.advance(499)
  bunch(60)
  expect(greeted.bestSecond).toBe(120)
  clock.advance(1)
  expect(greeted.lastSecond).toBe(180)
  expect(greeted.bestSecond).toBe(120)
  room = null
  clock.advance(60_000)
  expect(greeted.bestSecond).toBe(120)
})
