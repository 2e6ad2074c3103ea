import { expect, it } from 'vitest'
import { tell } from './story.js'

it('client rule 3: a leg on the very server that asked to be left is closed, and the client dials again', async () => {
  const { sim, socket, room, live, statuses, told, end } = tell({ servers: 2 })
  await live()
  const stop = sim.publishEvery(10, 'room')
  const asking = sim.servers.find(({ legs }) => legs === 1)!
  asking.taking = true
  sim.rebalance({ staleDials: 2, deadline: 20_000 })
  const landed = sim.dials.length
  await sim.advance(5_000)
  stop()
  await sim.advance(200)
  const stale = sim.dials.slice(landed, landed + 2).filter(({ server }) => server === asking.id).length
  expect(sim.dials.length - landed).toBeGreaterThan(stale)
  expect(socket.store.getState().leg!.server).not.toBe(asking.id)
  expect(statuses).toEqual([])
  expect([room.problems(), room.gaps]).toEqual([[], []])
  expect(told('handover-finished')).toHaveLength(1)
  end()
})

it('client rule 3: in a handover that the client asked for, the same server is a success', async () => {
  const { sim, socket, room, live, end } = tell()
  await live()
  const stop = sim.publishEvery(10, 'room')
  const moved = socket.handover()
  await sim.advance(1_000)
  await moved
  stop()
  await sim.advance(200)
  expect(socket.store.getState().leg).toMatchObject({ number: 2, server: 'server-1' })
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})
