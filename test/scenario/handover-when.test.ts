import { describe, expect, it, vi } from 'vitest'
import type { HandoverRequest } from '../../src/options/options.js'
import { tell } from './story.js'

/** A `when` whose answers the test gives, in the order in which it was asked. */
function safeMoment() {
  const asked: (HandoverRequest & { at: number; suits(): void; fails(error: unknown): void })[] = []
  let now = () => 0
  const when = (request: HandoverRequest) =>
    new Promise<void>((suits, fails) => void asked.push({ ...request, at: now(), suits, fails }))
  return { asked, when, use: (clock: () => number) => void (now = clock) }
}

function story(options: object = {}) {
  const moment = safeMoment()
  const told = tell({}, () => ({ handover: { when: moment.when, ...options } }))
  moment.use(() => told.sim.clock.monotonic())
  return { ...told, asked: moment.asked }
}

describe('handover.when', () => {
  it('puts a handover off until its promise resolves, and loses nothing', async () => {
    const { sim, socket, room, live, statuses, asked, told, end } = story()
    await live()
    const stop = sim.publishEvery(50, 'room')
    sim.deploy({ deadline: 20_000, reason: 'deploy' })
    await sim.advance(5_000)
    expect(asked).toMatchObject([{ reason: 'deploy', deadline: 20_000 }])
    expect(sim.dials).toHaveLength(1)
    expect(socket.store.getState().handover).toMatchObject({ reason: 'deploy', phase: 'waiting' })
    asked[0]!.suits()
    await sim.advance(1_000)
    stop()
    await sim.advance(200)
    expect(told('handover-finished')).toHaveLength(1)
    expect(statuses).toEqual([])
    expect([room.problems(), room.gaps]).toEqual([[], []])
    end()
  })

  it.each([
    { deadline: 20_000, latest: 15_000 },
    { deadline: 5_000, latest: 3_000 },
    { deadline: 1_500, latest: 0 },
  ])(
    'leaves time for the dial: it is waited for at most $latest ms of a deadline of $deadline',
    async ({ deadline, latest }) => {
      const { sim, live, statuses, end } = story()
      await live()
      const from = sim.clock.monotonic()
      sim.deploy({ deadline })
      await sim.advance(deadline)
      expect(sim.dials).toHaveLength(2)
      expect(sim.dials[1]!.at - from - latest).toBeLessThanOrEqual(25)
      expect(sim.dials[1]!.at - from).toBeGreaterThanOrEqual(latest)
      expect(statuses).toEqual([])
      end()
    },
  )

  it.each<[string, () => Promise<void>]>([
    [
      'throws',
      () => {
        throw new Error('not now')
      },
    ],
    ['rejects', () => Promise.reject(new Error('not now'))],
  ])('that %s causes an error event, and the handover goes on', async (_, when) => {
    const { sim, live, told, end } = tell({}, () => ({ handover: { when } }))
    await live()
    sim.deploy({ deadline: 20_000 })
    await sim.advance(1_000)
    expect(told('error')).toMatchObject([
      { error: { code: 'invalid', message: 'handover.when threw; the handover goes on.' } },
    ])
    expect(told('handover-finished')).toHaveLength(1)
    end()
  })

  it.each([undefined, 'now', {}])(
    'that returns %o instead of a promise does not put the handover off',
    async (answer) => {
      const { sim, live, told, end } = tell({}, () => ({ handover: { when: () => answer as never } }))
      await live()
      sim.deploy()
      await sim.advance(1_000)
      expect(told('handover-finished')).toHaveLength(1)
      end()
    },
  )

  it('is called when the spread is over, so that the handover begins as soon as it resolves', async () => {
    const { sim, live, asked, end } = story()
    await live()
    const from = sim.clock.monotonic()
    sim.deploy({ deadline: 60_000, spread: 40_000 })
    await sim.advance(41_000)
    expect(asked).toHaveLength(1)
    expect(asked[0]!.at - from).toBeGreaterThan(1_000)
    expect(Math.abs(asked[0]!.deadline - (60_000 - (asked[0]!.at - from)))).toBeLessThan(20)
    asked[0]!.suits()
    await sim.advance(100)
    expect(sim.dials[1]!.at).toBeGreaterThan(from + 41_000)
    end()
  })

  it('has no effect after the request is cancelled', async () => {
    const { sim, live, asked, told, end } = story()
    await live()
    const deploy = sim.deploy({ deadline: 20_000 })
    await sim.advance(1_000)
    deploy.cancel()
    await sim.advance(100)
    asked[0]!.suits()
    await sim.advance(30_000)
    expect(sim.dials).toHaveLength(1)
    expect(told('handover-failed')).toMatchObject([{ why: 'cancelled' }])
    end()
  })

  it('is called again for a request that replaces the first, whose answer then has no effect', async () => {
    const { sim, live, asked, told, end } = story()
    await live()
    sim.rebalance({ deadline: 20_000 })
    await sim.advance(1_000)
    sim.deploy({ deadline: 30_000 })
    await sim.advance(1_000)
    expect(asked.map(({ reason }) => reason)).toEqual(['rebalance', 'deploy'])
    asked[0]!.suits()
    await sim.advance(1_000)
    expect(sim.dials).toHaveLength(1)
    asked[1]!.suits()
    await sim.advance(1_000)
    expect(told('handover-finished')).toMatchObject([{ reason: 'deploy' }])
    end()
  })

  it('is not waited for if the leg to be left falls silent', async () => {
    const { sim, room, live, asked, statuses, end } = story()
    await live()
    sim.publish('room', 1)
    await sim.advance(100)
    sim.deploy({ deadline: 60_000 })
    await sim.advance(1_000)
    expect(asked).toHaveLength(1)
    sim.freeze()
    sim.publish('room', 2)
    await sim.advance(16_000)
    expect(room.messages.map(({ data }) => data)).toEqual([1, 2])
    expect(statuses).toEqual([])
    end()
  })

  it('is called before a handover for maxAge, and not for one that the application asked for with handover()', async () => {
    const { sim, socket, live, asked, told, end } = story({ maxAge: 300_000 })
    await live()
    await sim.advance(220_000)
    expect(asked).toMatchObject([{ reason: 'age', deadline: 30_000 }])
    asked[0]!.suits()
    await sim.advance(100)
    expect(told('handover-finished')).toMatchObject([{ reason: 'age' }])
    const moved = socket.handover()
    await sim.advance(1_500)
    await moved
    expect(asked).toHaveLength(1)
    end()
  })

  it('does not delay the reconnection if the server crashes before it resolves', async () => {
    const { sim, socket, live, asked, end } = story()
    await live()
    const { from } = sim.deploy({ deadline: 60_000 })
    await sim.advance(1_000)
    expect(asked).toHaveLength(1)
    from[0]!.crash()
    await sim.advance(60_000)
    expect(socket.store.getState()).toMatchObject({ status: 'live', leg: { server: 'server-2' } })
    end()
  })
})

it('without handover.when a handover begins at once', async () => {
  const { sim, live, end } = tell()
  await live()
  const asked = vi.fn()
  const from = sim.clock.monotonic()
  sim.deploy({ deadline: 20_000 })
  await sim.advance(100)
  expect(sim.dials[1]!.at - from).toBeLessThanOrEqual(20)
  expect(asked).not.toHaveBeenCalled()
  end()
})
