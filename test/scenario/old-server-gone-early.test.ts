import { expect, it } from 'vitest'
import { tell } from './story.js'

it.each([0, 5, 15, 25, 35, 45, 100])(
  'an old server that is gone %i ms after it asked: the dial that is under way becomes the reconnection',
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
