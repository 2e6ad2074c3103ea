import { describe, expect, it } from 'vitest'
import { oneClient } from '../../demo/report/one-client.js'
import { createPromises, table } from '../kit/table.js'
import { underLoad } from '../../demo/report/under-load.js'

const CLEAN = { lost: 0, repeated: 0, reordered: 0, gaps: 0 }

describe('handovers on real sockets', { timeout: 60_000 }, () => {
  it.each([true, false])('deploys under load cost LiveSocket nothing (servers keep history: %s)', async (history) => {
    const { groups, publishes, moves } = await underLoad({
      roundTrip: 20,
      deploys: 2,
      history,
      clients: 10,
      peers: 2,
    })
    expect(groups.livesocket).toMatchObject({ ...CLEAN, notLive: 0 })
    expect(groups.livesocket.delivered).toBeGreaterThan(0)
    expect(moves).toBe(20)
    expect(publishes).toMatchObject({ answered: publishes.sent, refused: 0, unknown: 0, lost: 0, appliedTwice: 0 })
  })

  it.each([true, false])(
    'a new path much faster than the old one loses and reorders nothing (servers keep history: %s)',
    async (history) => {
      const { livesocket, overlap } = await oneClient({ history, rate: 500, moves: 1, from: 150, to: 20 })
      expect(livesocket).toMatchObject({ ...CLEAN, notLive: 0 })
      // The cost of the usual remedy on the same path. Without it this test would show nothing.
      expect(overlap.lost).toBeGreaterThan(10)
    },
  )

  const gone = { rate: 100, topics: 3, moves: 1, from: 50, to: 50, loseAfter: 100 }

  it('with history, a server that ends 100 ms after its request, before a new leg can open, costs nothing', async () => {
    const { livesocket } = await oneClient({ ...gone, history: true })
    expect(livesocket).toMatchObject(CLEAN)
  })

  it('without history it costs exactly one gap for each topic, with exact bounds', async () => {
    const { livesocket } = await oneClient({ ...gone, history: false })
    expect(livesocket).toMatchObject({ repeated: 0, reordered: 0, gaps: 3, unexplained: 0 })
    expect(livesocket.lost).toBeGreaterThan(0)
  })
})

it('a broken promise is counted and named', () => {
  const promises = createPromises()
  promises.check('holds', true, '0')
  promises.check('does not', false, '7')
  expect(promises.broken).toBe(1)
  expect(promises.lines()).toBe('kept    holds: 0\nBROKEN  does not: 7')
})

it('columns are as wide as their widest cell', () => {
  expect(
    table(
      ['', 'lost'],
      [
        ['one', '0'],
        ['a', '10000'],
      ],
    ),
  ).toBe('|     |  lost |\n| --- | ----: |\n| one |     0 |\n| a   | 10000 |')
})
