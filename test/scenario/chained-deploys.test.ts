import { expect, it } from 'vitest'
import { tell } from './story.js'

it('ten deploys, each of which begins before the last one is over, lose nothing', async () => {
  const { sim, socket, room, live, statuses, end } = tell({ seed: 4 })
  await live()
  const stop = sim.publishEvery(20, 'room')
  for (let round = 0; round < 10; round++) {
    sim.deploy({ deadline: 5_000, spread: 800, reason: `version ${round + 2}` })
    await sim.advance(300 + sim.random() * 700)
  }
  await sim.advance(15_000)
  stop()
  await sim.advance(500)
  expect(room.problems()).toEqual([])
  expect(room.gaps).toEqual([])
  expect(statuses).toEqual([])
  expect(socket.store.getState().leg?.server).toBe('server-11')
  expect(sim.servers.map(({ legs }) => legs)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
  end()
})
