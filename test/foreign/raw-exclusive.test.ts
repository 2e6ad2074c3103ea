import { expect, it } from 'vitest'
import { rawProtocol } from '../../src/foreign/raw.js'
import { handServed } from '../kit/hand-served.js'

/**
 * A server, written by hand, that accepts one connection per user at a time. `{"type":"welcome"}` says that it serves.
 */
function oneAtATime() {
  const said = (data: unknown) => (JSON.parse(String(data)) as { type: string }).type
  const protocol = rawProtocol({
    overlap: 'exclusive',
    hello: () => '{"type":"hello","topics":{}}',
    ready: (data) => said(data) === 'welcome',
    handover: (data) => said(data) === 'reconnect',
    message: () => null,
  })
  return handServed({ protocol, handover: { dwell: 0 }, reconnect: { spread: 20_000 } })
}

it('a server that has not yet noticed the end of the old connection is dialled again at once, so that the break stays as short as possible', async () => {
  const world = oneAtATime()
  const first = await world.live()
  first.send({ type: 'reconnect' })
  for (const [code, number] of [
    [4009, 2],
    [4409, 3],
    [1008, 4],
  ] as const) {
    const refused = await world.leg(number)
    refused.open()
    refused.end(code, 'one at a time')
    await world.clock.advance(100 * 2 ** (number - 2))
  }
  const fifth = await world.leg(5)
  fifth.welcome()
  await world.clock.flush()
  expect([first.closed, world.statuses, world.clock.monotonic()]).toEqual([
    1000,
    ['connecting', 'live', 'reconnecting', 'live'],
    700,
  ])
  expect(world.told('handover-started', 'handover-finished').map(({ type }) => type)).toEqual([
    'handover-started',
    'handover-finished',
  ])
})

it('a server that keeps refusing is treated as down after a few dials', async () => {
  const world = oneAtATime()
  const first = await world.live()
  first.send({ type: 'reconnect' })
  for (let number = 2; number <= 8; number++) {
    const refused = await world.leg(number)
    refused.open()
    refused.end(1011)
    await world.clock.advance(1_000)
  }
  await world.clock.advance(8_000)
  expect(world.dials()).toBe(8)
  await world.clock.advance(2_000)
  expect(world.dials()).toBe(9)
})
