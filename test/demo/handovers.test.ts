import { expect, it } from 'vitest'
import { runLast } from '../../bench/moves/run-last.js'
import { heapGrowth, runMoves } from '../../bench/moves/run-moves.js'
import { runRequests, SLOW } from '../../bench/moves/run-requests.js'

it('500 handovers in a row under load in both directions lose, repeat and reorder nothing, and the client is live throughout', {
  timeout: 120_000,
}, async () => {
  const result = await runMoves(500)
  const clean = { lost: 0, repeated: 0, reordered: 0, gaps: 0, notLive: 0 }
  expect(result.moves).toBe(500)
  expect(result.down).toMatchObject(clean)
  expect(result.up).toMatchObject(clean)
  expect(result.down.delivered).toBe(result.sent.down)
  expect(result.up.delivered).toBe(result.sent.up)
  expect(result.answered).toBe(result.sent.up)
  // The functions are still warming up. A leg that is kept by mistake would need several times as much.
  expect(heapGrowth(result.heap)).toBeLessThan(0.1)
})

it('fifty requests at a time are each answered once across handovers, and a quick request does not wait for a slow one', {
  timeout: 60_000,
}, async () => {
  const { asked, quick, ...result } = await runRequests(10, 50)
  expect(result).toMatchObject({
    moves: 10,
    cutOff: 0,
    unknown: 0,
    refused: 0,
    wrong: 0,
    again: 0,
    appliedTwice: 0,
    notLive: 0,
  })
  expect([result.answered, asked > 500]).toEqual([asked, true])
  expect(quick.most).toBeLessThan(SLOW)
})

it('a client that begins with the last fifty messages gets all of them and everything after them, across handovers', {
  timeout: 60_000,
}, async () => {
  const result = await runLast(10, 1_000)
  expect(result).toMatchObject({ moves: 10, cutOff: 0, clients: 1, lost: 0, repeated: 0, gaps: 0, late: 0 })
  expect(result.delivered).toBeGreaterThan(50)
})
