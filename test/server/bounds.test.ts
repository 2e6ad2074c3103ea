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

it.each(ON_THE_WIRE)('%s is taken by clients as the server means it', (name, taken) => {
  const { least, most, otherwise } = serverBounds[name]
  for (const told of [least, most, otherwise]) expect(bounded(told, taken)).toBe(told)
})

it('a token may be offered that lives for as long as any that a client takes, and no longer', () => {
  expect(serverBounds['offerTokens.tokenTtl'].most).toBe(bounds.lifetime.most)
  expect(serverBounds['renewTokens.within'].most).toBe(bounds.lifetime.most)
})

it('the largest frame that a server takes is one that clients read when it is passed on', () => {
  const { most } = serverBounds['limits.maxFrame']
  expect(maxPayload(serverLimits({ maxFrame: most }))).toBeLessThanOrEqual(MAX_TEXT)
})

it('a client may wait for any time that its options allow: what it tells the server of it is a whole number', async () => {
  const sim = createSimulation()
  const socket = createLiveSocket({ url: sim.url, connectTimeout: 1_500.5, environment: sim.environment })
  socket.connect()
  await sim.advance(1_000)
  expect(socket.store.getState().status).toBe('live')
  expect(JSON.parse(sim.wire[0]!.text)).toMatchObject({ type: 'hello', timeout: 1_501 })
  socket.close()
})
