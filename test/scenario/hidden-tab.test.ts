import { expect, it } from 'vitest'
import { tell } from './story.js'

/** Browsers let the timers of a tab that was hidden for minutes run once a minute. Frames arrive as ever. */
const EVERY_MINUTE = 60_000

it('client rule 9: a handover in a hidden tab ends before its deadline, although timers run once a minute', async () => {
  const { sim, room, live, statuses, told, end } = tell()
  await live()
  sim.hide(EVERY_MINUTE)
  const stop = sim.publishEvery(200, 'room')
  await sim.advance(3_000)
  // The spread would be over, and the deadline too, long before the next timer.
  sim.deploy({ deadline: 12_000, spread: 9_000 })
  await sim.advance(13_000)
  expect(told('handover-finished')).toHaveLength(1)
  expect(statuses).toEqual([])
  stop()
  await sim.advance(300)
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})

it('client rule 9: a dial that hangs is given up in time, even in a hidden tab', async () => {
  const { sim, room, live, statuses, told, end } = tell()
  await live()
  sim.hide(EVERY_MINUTE)
  const stop = sim.publishEvery(200, 'room')
  await sim.advance(1_000)
  const deploy = sim.deploy({ deadline: 30_000, door: 'hangs' })
  await sim.advance(10_500)
  deploy.to[0]!.door = 'open'
  await sim.advance(12_000)
  stop()
  await sim.advance(300)
  expect(told('handover-finished')).toHaveLength(1)
  expect(statuses).toEqual([])
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})

it('a handover.when that never resolves does not put a handover off past its deadline, even in a hidden tab', async () => {
  const { sim, room, live, statuses, told, end } = tell({}, () => ({ handover: { when: () => new Promise(() => {}) } }))
  await live()
  sim.hide(EVERY_MINUTE)
  const stop = sim.publishEvery(200, 'room')
  sim.deploy({ deadline: 20_000 })
  await sim.advance(16_000)
  stop()
  await sim.advance(300)
  expect(told('handover-finished')).toHaveLength(1)
  expect(statuses).toEqual([])
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})

it('the overlap ends at overlapLimit, even in a hidden tab', async () => {
  const { sim, room, live, end } = tell({}, () => ({ handover: { overlapLimit: 5_000 } }))
  await live()
  sim.servers[0]!.acks = false
  sim.hide(EVERY_MINUTE)
  const stop = sim.publishEvery(200, 'room')
  sim.deploy({ deadline: 50_000 })
  await sim.advance(6_000)
  expect(sim.servers[0]!.state).toBe('down')
  stop()
  await sim.advance(300)
  expect(room.problems()).toEqual([])
  end()
})

it('a hidden tab without messages keeps its leg for an hour: it answers the pings of the server', async () => {
  const { sim, live, statuses, end } = tell()
  await live()
  sim.hide(EVERY_MINUTE)
  await sim.advance(60 * EVERY_MINUTE)
  expect(sim.dials).toHaveLength(1)
  expect(statuses).toEqual([])
  end()
})

it('a tab that comes to the front again probes its leg at once, and replaces a dead one in 2 s', async () => {
  const { sim, room, live, end } = tell({ heartbeat: 600_000 })
  await live()
  sim.hide(EVERY_MINUTE)
  await sim.advance(90_000)
  sim.freeze()
  const stop = sim.publishEvery(200, 'room')
  await sim.advance(1_000)
  const shown = sim.clock.monotonic()
  sim.show()
  await sim.advance(3_000)
  stop()
  await sim.advance(500)
  expect(sim.dials).toHaveLength(2)
  expect(sim.dials[1]!.at - shown).toBeLessThanOrEqual(2_100)
  expect([room.problems(), room.gaps]).toEqual([[], []])
  end()
})
