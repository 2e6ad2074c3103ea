import { expect, it } from 'vitest'
import { tell } from './story.js'

it('a new epoch on an open leg is one gap with unknown bounds, followed by its messages from the first', async () => {
  const { sim, room, live, end } = tell()
  await live()
  for (const data of ['a', 'b']) sim.publish('room', data)
  await sim.advance(100)
  sim.log.loseEpoch('room')
  const { epoch } = sim.publish('room', 'c')
  await sim.advance(100)
  expect(room.messages.map(({ data, offset }) => [data, offset])).toEqual([
    ['a', 1],
    ['b', 2],
    ['c', 1],
  ])
  expect(room.gaps).toEqual([{ topic: 'room', epoch, from: null, to: null, reason: 'epoch' }])
  end()
})

it('a new epoch during a crash is one gap, and every message of the new epoch is replayed', async () => {
  const { sim, room, live, end } = tell({ reconnectSpread: 500 })
  await live()
  sim.publish('room', 'a')
  await sim.advance(100)
  sim.crash()
  sim.log.loseEpoch('room')
  for (const data of ['c', 'd']) sim.publish('room', data)
  sim.restart()
  await sim.advance(2_000)
  expect(room.messages.map(({ data }) => data)).toEqual(['a', 'c', 'd'])
  expect(room.gaps).toMatchObject([{ from: null, to: null, reason: 'epoch' }])
  end()
})

it.each([5, 15, 25, 35, 45, 55, 65])(
  'a new epoch %i ms into a handover is one gap, whichever leg names it first',
  async (after) => {
    const { sim, room, live, end } = tell()
    await live()
    const stop = sim.publishEvery(10, 'room', (count) => `old ${count}`)
    await sim.advance(100)
    sim.delay({ down: 25 })
    sim.deploy()
    await sim.advance(after)
    stop()
    sim.log.loseEpoch('room')
    for (let count = 1; count <= 20; count++) {
      sim.publish('room', `new ${count}`)
      await sim.advance(10)
    }
    await sim.advance(2_000)
    expect(room.gaps).toMatchObject([{ reason: 'epoch' }])
    const fresh = room.messages.filter(({ data }) => String(data).startsWith('new'))
    expect(fresh.map(({ data }) => data)).toEqual(Array.from({ length: 20 }, (_, at) => `new ${at + 1}`))
    expect(room.messages.slice(-20)).toEqual(fresh)
    end()
  },
)
