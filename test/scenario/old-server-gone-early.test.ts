import { expect, it } from 'vitest'
import { tell } from './story.js'

it.each([0, 5, 15, 25, 35, 45, 100])(
  'if the old server is gone %i ms after its request, the dial under way becomes the reconnection',
  async (after) => {
    const { sim, socket, room, live, end } = tell({ reconnectSpread: 6_000 })
    await live()
    const stop = sim.publishEvery(10, 'room')
    await sim.advance(200)
    const { from, to } = sim.deploy()
    await sim.advance(after)
    from[0]!.crash()
    await sim.advance(after === 0 ? 7_000 : 1_000)
    stop()
    await sim.advance(200)
    expect([room.problems(), room.gaps]).toEqual([[], []])
    expect(socket.store.getState()).toMatchObject({ status: 'live', leg: { server: to[0]!.id } })
    expect(sim.dials).toHaveLength(2)
    end()
  },
)

it('if both legs of a handover die at the same moment, there is one reconnection: nothing lost, nothing twice', async () => {
  const { sim, socket, room, live, statuses, end } = tell({ reconnectSpread: 4_000 })
  await live()
  const stop = sim.publishEvery(10, 'room')
  // What the old leg owes keeps it beside the new one.
  sim.servers[0]!.acks = false
  socket.publish('room', 'unanswered').catch(() => undefined)
  await sim.advance(200)
  sim.deploy({ deadline: 30_000 })
  await sim.advance(200)
  expect(socket.store.getState()).toMatchObject({ handover: { phase: 'overlapping' }, leg: { number: 2 } })
  sim.crash()
  await sim.advance(100)
  sim.restart()
  await sim.advance(10_000)
  expect(sim.dials).toHaveLength(3)
  stop()
  await sim.advance(500)
  expect(statuses).toEqual(['reconnecting', 'live'])
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})
