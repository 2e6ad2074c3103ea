import { expect, it } from 'vitest'
import { tell } from './story.js'

it('late messages of a slow old leg are waited for, and never delivered twice', async () => {
  const { sim, socket, room, live, statuses, end } = tell({ latency: 400 })
  socket.connect()
  await sim.advance(3_000)
  statuses.length = 0
  const stop = sim.publishEvery(20, 'room')
  await sim.advance(1_000)
  sim.delay(10)
  sim.deploy()
  await sim.advance(3_000)
  stop()
  await sim.advance(1_000)
  expect([room.problems(), room.gaps]).toEqual([[], []])
  expect(statuses).toEqual([])
  expect(socket.stats().duplicates).toBeGreaterThan(0)
  end()
})

it('without history the client waits for the slow old leg, which alone has the missing messages', async () => {
  const { sim, room, live, end } = tell({ history: false })
  await live()
  const stop = sim.publishEvery(10, 'room')
  await sim.advance(200)
  // What is under way to the old leg takes 200 ms; the new one is ready sooner and named a head that has not been seen.
  sim.delay({ down: 200 })
  await sim.advance(50)
  sim.delay({ down: 10 })
  sim.deploy()
  await sim.advance(2_000)
  stop()
  await sim.advance(500)
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})

it('a replay that takes seconds on the new leg does not delay the messages of the old leg', async () => {
  const { sim, room, live, end } = tell()
  await live()
  const stop = sim.publishEvery(50, 'room')
  await sim.advance(1_000)
  sim.freeze('down')
  await sim.advance(1_000)
  for (const server of sim.deploy().to) server.replayInterval = 100
  sim.thaw()
  await sim.advance(5_000)
  stop()
  await sim.advance(5_000)
  expect([room.problems(), room.gaps]).toEqual([[], []])
  const afterThaw = room.messages.filter(({ at }) => at > 2_500)
  expect(Math.max(...afterThaw.slice(1).map((message, place) => message.at - afterThaw[place]!.at))).toBeLessThan(200)
  end()
})

it('an old server that is gone during the replay of the new one costs nothing: the rest is replayed', async () => {
  const { sim, socket, room, live, statuses, end } = tell()
  await live()
  const stop = sim.publishEvery(20, 'room')
  await sim.advance(500)
  // What the old leg would have brought from here on is lost with it.
  sim.freeze('down')
  await sim.advance(3_000)
  const { from, to } = sim.deploy()
  for (const server of to) server.replayInterval = 20
  sim.thaw()
  await sim.advance(60)
  from[0]!.crash()
  await sim.advance(500)
  expect(socket.store.getState().leg).toMatchObject({ number: 2 })
  expect(room.messages.length).toBeLessThan(sim.published.length)
  await sim.advance(20_000)
  stop()
  await sim.advance(20_000)
  expect(statuses).toEqual([])
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})
