import { expect, it } from 'vitest'
import { bounded, bounds, type Bound } from '../../src/policy/bounds.js'
import { MAX_TEXT } from '../../src/protocol/fields.js'
import { createLiveSocket } from '../../src/index.js'
import { serverBounds } from '../../src/server/bounds.js'
import { maxPayload, serverLimits } from '../../src/server/limits.js'
import { createSimulation } from '../../src/testing/index.js'

/** The options of a server that go on the wire, and the bounds to which clients clamp them. */
const ON_THE_WIRE: readonly (readonly [keyof typeof serverBounds, Bound])[] = [
  ['heartbeat', bounds.heartbeat],
  ['reconnectSpread', bounds.spread],
  ['drain.deadline', bounds.handover],
  ['drain.spread', bounds.handover],
  ['Refused.retryAfter', bounds.retryAfter],
]

it.each(ON_THE_WIRE)('clients take every %s that a server may send, unchanged', (name, taken) => {
  const { least, most, otherwise } = serverBounds[name]
  for (const told of [least, most, otherwise]) expect(bounded(told, taken)).toBe(told)
})

it('the longest lifetime of an offered or renewed token is the longest that a client takes', () => {
  expect(serverBounds['offerTokens.tokenTtl'].most).toBe(bounds.lifetime.most)
  expect(serverBounds['renewTokens.within'].most).toBe(bounds.lifetime.most)
})

it('clients can read the largest frame that a server can be set to take, when it is passed on to them', () => {
  const { most } = serverBounds['limits.maxFrame']
  expect(maxPayload(serverLimits({ maxFrame: most }))).toBeLessThanOrEqual(MAX_TEXT)
})

it('a client with a fractional connectTimeout gets in: it tells the server a whole number', async () => {
  const sim = createSimulation()
  const socket = createLiveSocket({ url: sim.url, connectTimeout: 1_500.5, environment: sim.environment })
  socket.connect()
  await sim.advance(1_000)
  expect(socket.store.getState().status).toBe('live')
  expect(JSON.parse(sim.wire[0]!.text)).toMatchObject({ type: 'hello', timeout: 1_501 })
  socket.close()
})
