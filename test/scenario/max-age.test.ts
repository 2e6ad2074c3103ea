import { describe, expect, it } from 'vitest'
import { createLiveSocket } from '../../src/index.js'
import { createSimulation } from '../../src/testing/index.js'
import { tell } from './story.js'

const MINUTE = 60_000
const LIMIT = 8 * MINUTE

describe('maxAge', () => {
  it('hands each leg over before the platform cuts it: the status stays live, and nothing is lost', async () => {
    const { sim, room, live, statuses, told, end } = tell({ servers: 2 }, () => ({ handover: { maxAge: LIMIT } }))
    await live()
    const stop = sim.publishEvery(MINUTE, 'room')
    await sim.advance(3 * LIMIT)
    stop()
    await sim.advance(1_000)
    const moves = told('handover-finished')
    expect(moves.length).toBeGreaterThanOrEqual(3)
    expect(moves.filter((move) => (move as { reason?: string }).reason !== 'age')).toEqual([])
    const ages = sim.dials.slice(1).map(({ at }, leg) => at - sim.dials[leg]!.at)
    expect(Math.max(...ages)).toBeLessThanOrEqual(LIMIT - 90_000)
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(0.8 * (LIMIT - 90_000))
    expect(statuses).toEqual([])
    expect([room.problems(), room.gaps]).toEqual([[], []])
    end()
  })

  it('spreads the handovers of clients that connected together', async () => {
    const sim = createSimulation()
    const sockets = Array.from({ length: 10 }, () =>
      createLiveSocket({
        url: sim.url,
        environment: sim.environment,
        heartbeat: false,
        handover: { maxAge: 5 * MINUTE },
      }),
    )
    for (const socket of sockets) socket.connect()
    await sim.advance(5 * MINUTE)
    const moments = sim.dials.slice(10).map(({ at }) => at)
    expect(moments).toHaveLength(10)
    expect(Math.max(...moments) - Math.min(...moments)).toBeGreaterThan(20_000)
    for (const socket of sockets) socket.close()
  })

  it('starts handovers until one succeeds', async () => {
    const { sim, live, statuses, told, end } = tell({}, () => ({ handover: { maxAge: 5 * MINUTE } }))
    await live()
    await sim.advance(2 * MINUTE)
    sim.refuse('refuses')
    await sim.advance(2 * MINUTE)
    expect(told('handover-failed')).toMatchObject([{ reason: 'age', why: 'deadline' }])
    sim.accept()
    await sim.advance(MINUTE)
    expect(told('handover-finished')).toMatchObject([{ reason: 'age' }])
    expect(statuses).toEqual([])
    end()
  })

  it('counts the age of an old leg that serves again from its dial', async () => {
    const { sim, live, told, names, end } = tell({}, () => ({ handover: { maxAge: 10 * MINUTE } }))
    await live()
    await sim.advance(6 * MINUTE)
    const deploy = sim.deploy({ deadline: 30 * MINUTE, spread: 5_000 })
    await sim.advance(20)
    // The old leg is behind, and the new one replays slowly: they overlap until the new one dies.
    sim.freeze('down')
    for (let count = 0; count < 20; count++) sim.publish('room', count)
    deploy.to[0]!.replayInterval = 1_000
    while (!names().includes('cutover')) await sim.advance(100)
    deploy.to[0]!.crash()
    deploy.cancel()
    sim.thaw()
    await sim.advance(1_000)
    expect(told('handover-failed')[0]).toMatchObject({ why: 'lost' })
    await sim.advance(4 * MINUTE)
    expect(told('handover-started').at(-1)).toMatchObject({ reason: 'age', from: 1 })
    end()
  })

  it('is checked when a frame arrives, so that late timers of a hidden tab do not matter', async () => {
    const { sim, live, told, end } = tell({}, () => ({ handover: { maxAge: 4 * MINUTE } }))
    await live()
    sim.hide(30 * MINUTE)
    await sim.advance(4 * MINUTE)
    expect(told('handover-finished')).toMatchObject([{ reason: 'age' }])
    end()
  })
})
