import { expect, it } from 'vitest'
import { tell } from './story.js'

it.each([1, 11, 21, 31, 41, 51])(
  'a request that is cancelled after %i ms leaves one active leg, and loses nothing',
  async (after) => {
    const { sim, socket, room, live, statuses, end } = tell()
    await live()
    const stop = sim.publishEvery(10, 'room')
    const deploy = sim.deploy({ deadline: 8_000 })
    await sim.advance(after)
    deploy.cancel()
    await sim.advance(1_000)
    stop()
    await sim.advance(10_000)
    expect(statuses).toEqual([])
    expect([room.problems(), room.gaps]).toEqual([[], []])
    expect(socket.store.getState()).toMatchObject({ status: 'live', handover: null })
    expect(sim.servers[0]!.legs + sim.servers[1]!.legs).toBe(1)
    end()
  },
)

it('a request that is cancelled during its spread causes no dial', async () => {
  const { sim, live, told, end } = tell()
  await live()
  const deploy = sim.deploy({ spread: 5_000 })
  await sim.advance(15)
  deploy.cancel()
  await sim.advance(10_000)
  expect(sim.dials).toHaveLength(1)
  expect(told('handover-failed')).toMatchObject([{ why: 'cancelled' }])
  end()
})
