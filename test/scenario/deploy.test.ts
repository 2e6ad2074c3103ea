import { expect, it } from 'vitest'
import { tell } from './story.js'

it('a deploy hands the live socket over: every message arrives once and in order, and the status stays live', async () => {
  const { sim, socket, room, live, statuses, told, end } = tell()
  await live()
  sim.publishEvery(5, 'room')
  await sim.advance(500)
  const { from, to } = sim.deploy()
  await sim.advance(2_000)
  expect(room.problems({ complete: false })).toEqual([])
  expect(room.messages.length).toBeGreaterThan(450)
  expect(statuses).toEqual([])
  expect(socket.store.getState()).toMatchObject({ status: 'live', leg: { server: to[0]!.id }, handover: null })
  expect([from[0]!.state, to[0]!.legs]).toEqual(['down', 1])
  expect(told('handover-finished')).toMatchObject([{ reason: 'deploy', from: 1, to: 2 }])
  expect(socket.stats()).toMatchObject({ handovers: 1, reconnects: 0, gaps: 0 })
  // The busiest moment: nobody waited longer for a message than the messages were apart.
  const pauses = room.messages.slice(1).map((message, at) => message.at - room.messages[at]!.at)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(5)
  end()
})
