import { describe, expect, it } from 'vitest'
import { createLiveSocket } from '../../src/index.js'
import { createSimulation } from '../../src/testing/index.js'

async function signedIn(seed = 1) {
  const sim = createSimulation({ seed, requireToken: true, reconnectSpread: 1_000 })
  const socket = createLiveSocket({
    url: sim.url,
    environment: sim.environment,
    getToken: sim.getToken,
    key: 'signed-in',
  })
  const room = sim.observe(socket, 'room')
  socket.connect()
  await sim.advance(500)
  expect(socket.store.getState()).toMatchObject({ status: 'live', token: { status: 'valid' } })
  return { sim, socket, room }
}

describe('tokens', () => {
  it('that live for 10 minutes are fetched every 5 to 9 minutes, through deploys and crashes', async () => {
    const { sim, socket, room } = await signedIn()
    const stop = sim.publishEvery(10_000, 'room')
    for (let hour = 0; hour < 6; hour++) {
      sim.deploy()
      await sim.advance(300_000)
      sim.crash()
      sim.restart()
      await sim.advance(300_000)
    }
    stop()
    await sim.advance(1_000)
    const { requests } = sim.tokens
    expect(requests.length).toBeGreaterThan(6)
    expect(requests.length).toBeLessThanOrEqual(13)
    const pauses = requests.slice(1).map(({ at }, place) => (at - requests[place]!.at) / 60_000)
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(9.1)
    expect([room.problems(), room.gaps, socket.stats().reconnects]).toEqual([[], [], 6])
    socket.close()
  })

  it('survive an outage of the token service: the valid one stays in use, and the client stays live', async () => {
    const { sim, socket, room } = await signedIn()
    await sim.advance(200_000)
    sim.tokens.down()
    await sim.advance(180_000)
    sim.tokens.up()
    await sim.advance(400_000)
    sim.publish('room', 1)
    await sim.advance(100)
    expect(socket.store.getState()).toMatchObject({ status: 'live', leg: { number: 1 }, token: { status: 'valid' } })
    expect(room.messages).toHaveLength(1)
    socket.close()
  })

  it('that are all revoked cost one fetch and one reconnection', async () => {
    const { sim, socket, room } = await signedIn()
    await sim.advance(60_000)
    sim.tokens.revoke()
    sim.crash()
    sim.restart()
    sim.publish('room', 1)
    await sim.advance(40_000)
    expect(sim.tokens.requests.map(({ reason }) => reason)).toEqual(['first', 'rejected'])
    expect(socket.store.getState().status).toBe('live')
    sim.publish('room', 2)
    await sim.advance(100)
    expect(room.messages.at(-1)!.data).toBe(2)
    socket.close()
  })

  it('end with the session: nothing is fetched, dialled or sent after it', async () => {
    const { sim, socket } = await signedIn()
    const outcome = socket.publish('room', 1).catch((error: { code: string }) => error.code)
    await sim.advance(100)
    expect(await outcome).toMatchObject({ offset: 1 })
    sim.tokens.end('signed out elsewhere')
    await sim.advance(600_000)
    expect(socket.store.getState()).toMatchObject({
      status: 'closed',
      closed: { by: 'session-ended' },
      token: { status: 'ended' },
    })
    const [requests, dials, frames] = [sim.tokens.requests.length, sim.dials.length, sim.wire.length]
    await sim.advance(3_600_000)
    expect([sim.tokens.requests.length, sim.dials.length, sim.wire.length]).toEqual([requests, dials, frames])
  })
})

describe('sign-out', () => {
  it.each(['live', 'reconnecting', 'handing over'] as const)(
    'while %s: no byte leaves with the old token from that moment on, in any tab',
    async (during) => {
      const { sim, socket } = await signedIn()
      const other = createLiveSocket({ url: sim.url, environment: sim.tab(), getToken: sim.getToken, key: 'signed-in' })
      other.connect()
      await sim.advance(500)
      expect(other.store.getState().status).toBe('live')
      if (during === 'reconnecting') sim.crash(), sim.restart()
      if (during === 'handing over') sim.deploy({ spread: 500 })
      await sim.advance(30)
      socket.signOut()
      // What is under way takes 10 ms, and word between tabs 2 ms.
      await sim.advance(15)
      const [frames, requests] = [sim.wire.length, sim.tokens.requests.length]
      await sim.advance(900_000)
      expect(sim.wire.slice(frames).filter(({ by, text }) => by === 'client' && text.includes('token'))).toEqual([])
      expect(sim.tokens.requests).toHaveLength(requests)
      expect(socket.store.getState()).toMatchObject({ status: 'closed', closed: { by: 'signed-out' } })
      expect(other.store.getState()).toMatchObject({ status: 'closed' })
      expect(sim.servers.reduce((sum, { legs }) => sum + legs, 0)).toBe(0)
    },
  )

  it('two tabs use one token', async () => {
    const { sim, socket } = await signedIn()
    const other = createLiveSocket({ url: sim.url, environment: sim.tab(), getToken: sim.getToken, key: 'signed-in' })
    other.connect()
    await sim.advance(1_200_000)
    expect(other.store.getState().status).toBe('live')
    // One at the start and one every 5 minutes at most; two that do not know of each other need six at the least.
    expect(sim.tokens.requests.length).toBeLessThanOrEqual(5)
    socket.close()
    other.close()
  })
})
