import { createLiveSocket } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND, signedInWorld } from './signed-in.js'

describe('a signed-in page', () => {
  it('that slept for eight hours makes one call when it wakes, and is live with a new token seconds later', async () => {
    const { sim, issue, page } = signedInWorld()
    const one = page(() => ({ token: issue(), ttl: 10 * MINUTE }))
    await one.live()
    await sim.advance(3 * MINUTE)
    sim.sleep()
    await sim.advance(8 * HOUR)
    expect(one.calls).toHaveLength(1)
    sim.publish('room', 'while it slept')
    sim.wake()
    await sim.advance(5 * SECOND)
    expect(one.calls.map(({ reason }) => reason)).toEqual(['first', 'wake'])
    expect(one.state()).toMatchObject({ status: 'live', token: { status: 'valid' } })
    await sim.advance(4 * MINUTE)
    expect(one.calls).toHaveLength(2)
    expect([one.room.problems(), one.room.gaps]).toEqual([[], []])
    one.socket.close()
  })

  it('that wakes at the same moment as 29 others does not call at the same moment', async () => {
    const { sim, issue, page } = signedInWorld()
    const devices = Array.from({ length: 30 }, () => sim.device())
    const pages = devices.map((device, number) =>
      page(() => ({ token: issue(), ttl: 10 * MINUTE }), { environment: device.environment, key: `user-${number}` }),
    )
    for (const one of pages) await one.live(100)
    for (const device of devices) device.sleep()
    await sim.advance(8 * HOUR)
    for (const device of devices) device.wake()
    const woke = sim.clock.monotonic()
    await sim.advance(20 * SECOND)
    const times = pages.map(({ calls }) => calls[1]!.at - woke)
    expect(pages.every(({ calls, state }) => calls.length === 2 && state().status === 'live')).toBe(true)
    expect(new Set(times.map(Math.floor)).size).toBeGreaterThan(20)
    for (const one of pages) one.socket.close()
  })

  it.each([
    ['back', -HOUR],
    ['forth', HOUR],
    ['back and forth', 0],
  ])(
    'whose clock is set %s by an hour stays live, makes at most one early call for each change, and none too late',
    async (_, jump) => {
      const { sim, issue, page } = signedInWorld()
      const one = page(() => ({ token: issue(), ttl: 10 * MINUTE }))
      await one.live()
      await sim.advance(2 * MINUTE)
      const wall = () => sim.environment.clock.now()
      for (const by of jump === 0 ? [-HOUR, HOUR, HOUR, -HOUR] : [jump]) {
        sim.setWall(wall() + by)
        await sim.advance(7 * MINUTE)
      }
      await sim.advance(20 * MINUTE)
      const gaps = one.gaps()
      expect(Math.max(...gaps)).toBeLessThanOrEqual(9 * MINUTE + SECOND)
      expect(gaps.filter((gap) => gap < 5 * MINUTE).length).toBeLessThanOrEqual(jump === 0 ? 2 : jump > 0 ? 1 : 0)
      expect([one.statuses.filter((status) => status !== 'live'), one.state().token.status]).toEqual([[], 'valid'])
      one.socket.close()
    },
  )

  it('that is offline when its token is due waits, and calls within seconds of being back', async () => {
    const { sim, issue, page } = signedInWorld()
    const one = page(() => ({ token: issue(), ttl: 10 * MINUTE }))
    await one.live()
    await sim.advance(4 * MINUTE)
    sim.offline()
    await sim.advance(10 * MINUTE)
    const offline = one.calls.length
    // What a dial without any token tries meanwhile fails at the pace of the retry rule.
    expect(offline).toBeLessThanOrEqual(12)
    sim.online()
    await sim.advance(10 * SECOND)
    expect(one.state()).toMatchObject({ status: 'live', token: { status: 'valid' } })
    expect(one.calls.length - offline).toBeLessThanOrEqual(1)
    one.socket.close()
  })

  it('in a hidden tab, whose timers run once a minute, always has a valid token', async () => {
    const { sim, issue, page } = signedInWorld()
    const one = page(() => ({ token: issue(), ttl: 10 * MINUTE }))
    await one.live()
    sim.hide(MINUTE)
    for (let minute = 0; minute < 90; minute++) {
      await sim.advance(MINUTE)
      expect(one.state().token.expiresAt!).toBeGreaterThan(sim.clock.now())
    }
    expect(one.gaps().every((gap) => gap >= 5 * MINUTE)).toBe(true)
    expect([one.statuses, one.state().leg?.number]).toEqual([[], 1])
    one.socket.close()
  })

  it('whose connection breaks again and again makes no call beyond the schedule', async () => {
    const { sim, issue, page } = signedInWorld()
    const one = page(() => ({ token: issue(), ttl: 10 * MINUTE }))
    await one.live()
    for (let time = 0; time < 30; time++) {
      sim.crash()
      sim.restart()
      await sim.advance(45 * SECOND)
    }
    expect(sim.dials.length).toBeGreaterThan(25)
    expect(one.calls.length).toBeLessThanOrEqual(5)
    expect(one.gaps().every((gap) => gap >= 5 * MINUTE)).toBe(true)
    one.socket.close()
  })

  it('whose tokens are each accepted and then refused asks for another one at most every 20 s, and its session goes on', async () => {
    const { sim, issue, page, revoke } = signedInWorld()
    const one = page(() => ({ token: issue(), ttl: 10 * MINUTE }))
    await one.live()
    for (let time = 0; time < 8; time++) {
      await sim.advance(70 * SECOND)
      revoke()
      sim.crash()
      sim.restart()
    }
    await sim.advance(10 * SECOND)
    expect(one.ended).toEqual([])
    expect(one.calls.slice(1).every(({ reason }) => reason === 'rejected')).toBe(true)
    for (const gap of one.gaps()) expect(gap).toBeGreaterThanOrEqual(20 * SECOND)
    one.socket.close()
  })
})

describe('a network', () => {
  it.each(['offline for 25 minutes', 'asleep for 25 minutes, and awake without one for 30 seconds'])(
    'that is back finds the client live within 2 seconds, though its token has run out: %s',
    async (story) => {
      const waits: number[] = []
      for (let seed = 1; seed <= 5; seed++) {
        const sim = createSimulation({ seed, requireToken: true })
        const socket = createLiveSocket({ url: sim.url, getToken: sim.getToken, environment: sim.environment })
        socket.connect()
        await sim.advance(SECOND)
        if (story.startsWith('asleep')) {
          sim.sleep()
          await sim.advance(25 * MINUTE)
          sim.wake()
          sim.offline()
          await sim.advance(30 * SECOND)
        } else {
          sim.offline()
          await sim.advance(25 * MINUTE)
        }
        sim.online()
        let waited = 0
        for (; socket.store.getState().status !== 'live' && waited < MINUTE; waited += 50) await sim.advance(50)
        waits.push(waited)
        socket.close()
      }
      waits.sort((a, b) => a - b)
      expect(waits[2]).toBeLessThanOrEqual(SECOND)
      expect(waits.at(-1)).toBeLessThanOrEqual(2 * SECOND)
    },
    90_000,
  )

  it('that the browser wrongly calls offline all the time does not stop a live leg’s token from being refreshed', async () => {
    const sim = createSimulation({ seed: 1, requireToken: true })
    const environment = { ...sim.environment, network: { online: () => false, subscribe: () => () => undefined } }
    const socket = createLiveSocket({ url: sim.url, getToken: sim.getToken, environment })
    socket.connect()
    await sim.advance(30 * MINUTE)
    expect(socket.store.getState().status).toBe('live')
    expect(sim.tokens.requests.length).toBeGreaterThanOrEqual(4)
    const gaps = sim.tokens.requests.slice(1).map(({ at }, place) => at - sim.tokens.requests[place]!.at)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(9 * MINUTE + SECOND)
    socket.close()
  })
})
