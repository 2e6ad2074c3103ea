import { expect, it } from 'vitest'
import type { LiveSocketOptions } from '../../src/index.js'
import { rawProtocol } from '../../src/foreign/raw.js'
import { handServed } from '../kit/hand-served.js'

const said = (data: unknown) => JSON.parse(String(data)) as { type: string; heartbeat?: number }

/** A server that closes the connection of a silent client, however much it sends itself, as Phoenix and SignalR do. */
function talkative(heartbeat?: number, ours: LiveSocketOptions['heartbeat'] = { interval: 10_000, timeout: 5_000 }) {
  const protocol = rawProtocol({
    hello: () => '{"type":"hello","topics":{}}',
    ready: (data) => said(data).type === 'welcome' && (heartbeat === undefined ? true : { heartbeat }),
    message: (data) => (said(data).type === 'news' ? { topic: 'news', data: 1 } : null),
    ping: () => '{"type":"ping"}',
    pong: (data) => said(data).type === 'pong',
  })
  return handServed({ protocol, heartbeat: ours })
}

/** The longest silence of the client, ms, in three minutes in which the server sends news every second. */
async function silence(world: ReturnType<typeof talkative>, act = () => {}) {
  const leg = await world.live()
  let longest = 0
  let spoke = world.clock.monotonic()
  let heard = leg.said.length
  for (let second = 0; second < 180; second++) {
    leg.send({ type: 'news' })
    act()
    await world.clock.advance(1_000)
    longest = Math.max(longest, world.clock.monotonic() - spoke)
    if (leg.said.length === heard) continue
    heard = leg.said.length
    spoke = world.clock.monotonic()
    leg.send({ type: 'pong' })
  }
  return longest
}

it('a client that only listens to a server that is never silent still sends a sign of life within the server’s patience', async () => {
  // SignalR waits for 30 s, Phoenix for 60.
  expect(await silence(talkative())).toBeLessThan(20_000)
  expect(await silence(talkative(undefined, false))).toBeLessThan(20_000)
})

it('an action that the protocol has no frame for does not count as a sign of life: the client still sends one', async () => {
  const world = talkative()
  const act = () => void world.socket.subscribe('news', () => {})()
  expect(await silence(world, act)).toBeLessThan(20_000)
})

it('the silence that the server itself announces takes precedence', async () => {
  const longest = await silence(talkative(60_000))
  expect(longest).toBeGreaterThan(20_000)
  expect(longest).toBeLessThan(60_000)
})
