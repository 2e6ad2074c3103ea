import { expect, it } from 'vitest'
import { createLiveSocket } from '../../src/index.js'
import { createSimulation } from '../../src/testing/index.js'
import { tell } from './story.js'

it('a busy server is not dialled again before its retryAfter is over', async () => {
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

it('clients that a busy server refused come back spread out, not all at once when its retryAfter is over', async () => {
  const CLIENTS = 40
  const sim = createSimulation()
  sim.refuse('busy', 20_000)
  const sockets = Array.from({ length: CLIENTS }, () =>
    createLiveSocket({ url: sim.url, environment: sim.environment }),
  )
  for (const socket of sockets) socket.connect()
  await sim.advance(1_000)
  expect(sim.dials).toHaveLength(CLIENTS)
  sim.accept()
  await sim.advance(60_000)
  const waited = sim.dials.slice(CLIENTS).map(({ at }) => at - sim.dials[0]!.at)
  expect(waited).toHaveLength(CLIENTS)
  expect(Math.min(...waited)).toBeGreaterThanOrEqual(20_000)
  const crowds = waited.map((from) => waited.filter((wait) => wait >= from && wait < from + 3_000).length)
  expect(Math.max(...crowds)).toBeLessThan(CLIENTS / 3)
  for (const socket of sockets) socket.close()
})
