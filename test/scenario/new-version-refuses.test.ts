import { expect, it } from 'vitest'
import { tell } from './story.js'

it.each([
  'refuses',
  'hangs',
  'mute',
  'unauthorized',
  'forbidden',
  'session-ended',
  'busy',
  'draining',
  'protocol',
] as const)(
  'a new version that answers each dial with "%s" costs the clients nothing while the old one runs',
  async (door) => {
    const { sim, socket, room, live, statuses, told, names, end } = tell()
    await live()
    const stop = sim.publishEvery(100, 'room')
    const deploy = sim.deploy({ door, deadline: 25_000 })
    await sim.advance(20_000)
    if (door === 'session-ended') {
      // That one word counts wherever it is said.
      expect(socket.store.getState()).toMatchObject({ status: 'closed', closed: { by: 'session-ended' } })
      return end()
    }
    expect(statuses).toEqual([])
    expect(socket.store.getState()).toMatchObject({
      status: 'live',
      leg: { number: 1 },
      handover: { reason: 'deploy' },
    })
    const dials = sim.dials.length
    expect(dials).toBeGreaterThan(1)
    deploy.to[0]!.door = 'open'
    await sim.advance(13_000)
    stop()
    await sim.advance(1_000)
    expect(statuses.filter((status) => status === 'closed')).toEqual([])
    expect([room.problems(), room.gaps]).toEqual([[], []])
    expect(told('handover-finished', 'session-ended')).toHaveLength(names().includes('handover-failed') ? 0 : 1)
    end()
  },
)

it('a deploy that is rolled back because the new version refused dials leaves the leg as it was', async () => {
  const { sim, socket, room, live, statuses, told, end } = tell()
  await live()
  const deploy = sim.deploy({ door: 'refuses' })
  await sim.advance(5_000)
  deploy.cancel()
  await sim.advance(20_000)
  sim.publish('room', 'still here')
  await sim.advance(100)
  expect(statuses).toEqual([])
  expect(told('handover-failed')).toMatchObject([{ why: 'cancelled' }])
  expect(socket.store.getState()).toMatchObject({ handover: null, leg: { number: 1 } })
  expect(room.messages.map(({ data }) => data)).toEqual(['still here'])
  end()
})
