import { expect, it } from 'vitest'
import { tell } from './story.js'

it('a busy server is not asked again before its retryAfter, and then spread', async () => {
  const { sim, socket, room, live, statuses, end } = tell({ reconnectSpread: 500 })
  await live()
  sim.publish('room', 1)
  await sim.advance(100)
  sim.refuse('busy', 20_000)
  sim.crash()
  sim.restart()
  await sim.advance(1_000)
  expect(sim.dials).toHaveLength(2)
  const refusedAt = sim.dials[1]!.at
  await sim.advance(19_000)
  expect(sim.dials).toHaveLength(2)
  sim.publish('room', 2)
  sim.accept()
  await sim.advance(65_000)
  expect(sim.dials).toHaveLength(3)
  expect(sim.dials[2]!.at - refusedAt).toBeGreaterThanOrEqual(20_000)
  expect(statuses).toEqual(['reconnecting', 'live'])
  expect(socket.store.getState().status).toBe('live')
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})
