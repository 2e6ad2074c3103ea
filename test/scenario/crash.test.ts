import { expect, it } from 'vitest'
import { createLiveSocket } from '../../src/index.js'
import { createSimulation } from '../../src/testing/index.js'
import { tell } from './story.js'

it('a crash without a close frame is a reconnection within the spread, from the last position: nothing lost, nothing twice', async () => {
  const { sim, socket, room, live, statuses, told, end } = tell({ reconnectSpread: 4_000 })
  await live()
  const stop = sim.publishEvery(50, 'room')
  await sim.advance(1_000)
  sim.crash()
  await sim.advance(100)
  expect(socket.store.getState()).toMatchObject({ status: 'reconnecting', leg: null })
  expect(socket.store.getState().retry!.at).toBeLessThanOrEqual(sim.clock.now() + 4_250)
  sim.restart()
  await sim.advance(5_000)
  stop()
  await sim.advance(500)
  expect(statuses).toEqual(['reconnecting', 'live'])
  expect([room.problems(), room.gaps]).toEqual([[], []])
  expect(told('leg-closed')).toMatchObject([{ leg: 1, code: 1006, by: 'server' }])
  expect(socket.stats()).toMatchObject({ reconnects: 1, handovers: 0 })
  end()
})

it('a server that stays down is dialled less and less often, and found when it is back', async () => {
  const { sim, room, live, statuses, end } = tell()
  await live()
  sim.publish('room', 1)
  await sim.advance(100)
  sim.crash()
  await sim.advance(600_000)
  const dials = sim.dials.length - 1
  expect(dials).toBeGreaterThan(3)
  expect(dials).toBeLessThan(25)
  sim.publish('room', 2)
  sim.restart()
  await sim.advance(125_000)
  expect(statuses).toEqual(['reconnecting', 'live'])
  expect(room.messages.map(({ data }) => data)).toEqual([1, 2])
  end()
})

it('a client that dials before the server is back keeps its place in the spread: it dials again one spread later', async () => {
  const CLIENTS = 60
  const SPREAD = 4_000
  const sim = createSimulation({ reconnectSpread: SPREAD })
  const sockets = Array.from({ length: CLIENTS }, () =>
    createLiveSocket({ url: sim.url, environment: sim.environment }),
  )
  for (const socket of sockets) socket.connect()
  await sim.advance(1_000)
  sim.crash()
  const from = sim.clock.monotonic()
  await sim.advance(SPREAD / 2)
  sim.restart()
  await sim.advance(2 * SPREAD)
  expect(sockets.every((socket) => socket.store.getState().status === 'live')).toBe(true)
  const dials = sim.dials.slice(CLIENTS).map(({ at }) => at - from)
  const again = dials.slice(CLIENTS)
  expect(again.length).toBeGreaterThan(CLIENTS / 4)
  // All first ones, and only then the others, as spread as they were.
  expect(Math.min(...again)).toBeGreaterThanOrEqual(SPREAD)
  expect(Math.max(...again)).toBeLessThanOrEqual(1.5 * SPREAD + 700)
  const crowds = dials.map((at) => dials.filter((other) => other >= at && other < at + SPREAD / 8).length)
  expect(Math.max(...crowds)).toBeLessThan(CLIENTS / 3)
  for (const socket of sockets) socket.close()
})

it('clients whose first dial, at page load, finds no server draw a random place in the spread', async () => {
  const CLIENTS = 40
  const sim = createSimulation({ reconnectSpread: 4_000 })
  sim.crash()
  const sockets = Array.from({ length: CLIENTS }, () =>
    createLiveSocket({ url: sim.url, environment: sim.environment }),
  )
  // All pages are opened at one moment, and find nobody.
  for (const socket of sockets) socket.connect()
  await sim.advance(70_000)
  const second = sim.dials.slice(CLIENTS, 2 * CLIENTS).map(({ at }) => at)
  const crowds = second.map((at) => second.filter((other) => other >= at && other < at + 2_000).length)
  expect(Math.max(...crowds)).toBeLessThan(CLIENTS / 3)
  for (const socket of sockets) socket.close()
})
