import { expect, it } from 'vitest'
import { tell } from './story.js'

const MINUTE = 60_000

it.each([5_000, 30_000, 10 * MINUTE])(
  'a laptop that slept for %i ms is live again within 3 s after it wakes, and has missed nothing',
  async (asleep) => {
    const { sim, socket, room, live, end } = tell()
    await live()
    const stop = sim.publishEvery(500, 'room')
    sim.sleep()
    await sim.advance(asleep)
    const missed = sim.published.length
    sim.wake()
    await sim.advance(3_500)
    stop()
    await sim.advance(500)
    expect(socket.store.getState().status).toBe('live')
    expect(room.messages.find(({ offset }) => offset === missed)!.at).toBeLessThan(200 + asleep + 3_000)
    expect([room.problems(), room.gaps]).toEqual([[], []])
    end()
  },
)

it('a path that silently died during sleep is noticed within 3 s after the wake, not after the usual 15', async () => {
  const { sim, room, live, statuses, told, end } = tell({ heartbeat: 60 * MINUTE })
  await live()
  sim.sleep()
  await sim.advance(5 * MINUTE)
  sim.freeze()
  const stop = sim.publishEvery(100, 'room')
  const woke = sim.clock.monotonic()
  sim.wake()
  await sim.advance(4_000)
  stop()
  await sim.advance(500)
  expect(sim.dials).toHaveLength(2)
  expect(sim.dials[1]!.at - woke).toBeLessThanOrEqual(3_100)
  expect(told('handover-started')).toMatchObject([{ reason: 'silence' }])
  expect(statuses).toEqual([])
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})

it('sleep counts towards the wait for the next dial, which is over at the wake', async () => {
  const { sim, socket, live, end } = tell({ reconnectSpread: 100_000 })
  await live()
  sim.crash()
  await sim.advance(100)
  expect(socket.store.getState().status).toBe('reconnecting')
  sim.restart()
  sim.sleep()
  await sim.advance(5 * MINUTE)
  sim.wake()
  await sim.advance(2_500)
  expect(socket.store.getState().status).toBe('live')
  end()
})

it('a dial that hung when the machine went to sleep does not delay the next one', async () => {
  const { sim, socket, live, end } = tell({ reconnectSpread: 1_000 })
  await live()
  sim.refuse('hangs')
  sim.servers[0]!.crash()
  sim.servers[0]!.restart()
  await sim.advance(2_500)
  expect(sim.dials).toHaveLength(2)
  sim.sleep()
  await sim.advance(5 * MINUTE)
  sim.accept()
  sim.wake()
  await sim.advance(3_000)
  expect(socket.store.getState().status).toBe('live')
  end()
})

it('a main thread that was busy for 10 s loses no leg: unread frames are read before a leg counts as silent', async () => {
  const { sim, room, live, statuses, end } = tell({ heartbeat: 60_000 })
  await live()
  const stop = sim.publishEvery(100, 'room')
  await sim.advance(9_900)
  sim.sleep()
  await sim.advance(10_000)
  sim.wake()
  await sim.advance(5_000)
  stop()
  await sim.advance(100)
  expect(sim.dials).toHaveLength(1)
  expect(statuses).toEqual([])
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})

it.each([0, 5, 15, 25, 35, 45])(
  'a page that is frozen from %i ms into a handover until long after its deadline is live within 2 s after it resumes, and has missed nothing',
  async (into) => {
    const { sim, socket, room, live, end } = tell({ reconnectSpread: 60_000 })
    await live()
    const stop = sim.publishEvery(500, 'room')
    await sim.advance(500)
    sim.deploy({ deadline: 10_000 })
    await sim.advance(into)
    sim.sleep()
    await sim.advance(MINUTE)
    sim.wake()
    await sim.advance(2_000)
    stop()
    await sim.advance(500)
    expect(socket.store.getState()).toMatchObject({ status: 'live', handover: null, leg: { server: 'server-2' } })
    expect([room.problems(), room.gaps]).toEqual([[], []])
    end()
  },
)
