import { expect, it } from 'vitest'
import { heapGrowth, runMoves } from '../../bench/moves/run-moves.js'

it('500 moves in a row under load in both directions lose, repeat and reorder nothing, and are never not live', {
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
  // The functions are still warming up; a leg that is kept by mistake would be several times this.
  expect(heapGrowth(result.heap)).toBeLessThan(0.1)
})
