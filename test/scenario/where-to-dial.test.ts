import { expect, it } from 'vitest'
import type { UrlAsk } from '../../src/index.js'
import { tell } from './story.js'

/** One live socket whose `url` function keeps what it was asked. */
function asking(world: Parameters<typeof tell>[0] = {}) {
  const asks: Omit<UrlAsk, 'signal'>[] = []
  const story = tell(world, (sim) => ({
    url: ({ signal, ...ask }) => {
      expect(signal.aborted).toBe(false)
      asks.push(ask)
      return `${sim.url}?secret=1`
    },
  }))
  return { ...story, asks, where: story.sim.url }
}

it('a url function receives the reason `first` until the client was live once, and the URL at which the last dial failed', async () => {
  const { sim, socket, asks, where, end } = asking({ reconnectSpread: 1_000 })
  sim.refuse('refuses')
  socket.connect()
  await sim.advance(1_000)
  expect(asks[0]).toEqual({ attempt: 0, reason: 'first', failed: null })
  await sim.advance(60_000)
  expect(asks[1]).toEqual({ attempt: 1, reason: 'first', failed: where })
  end()
})

it('a url function receives the reason `reconnect`, and the end of a leg that had served is no failed dial', async () => {
  const { sim, live, asks, where, end } = asking({ reconnectSpread: 1_000 })
  await live()
  sim.crash()
  await sim.advance(60_000)
  sim.restart()
  await sim.advance(130_000)
  expect(asks.slice(1, 3)).toEqual([
    { attempt: 1, reason: 'reconnect', failed: null },
    { attempt: 2, reason: 'reconnect', failed: where },
  ])
  end()
})

it('a url function receives the reason `handover`, and the URL of a leg that fell silent as one that failed', async () => {
  const { sim, live, asks, where, told, end } = asking()
  await live()
  sim.deploy()
  await sim.advance(1_000)
  expect(asks[1]).toEqual({ attempt: 0, reason: 'handover', failed: null })
  await sim.advance(1_000)
  sim.freeze()
  await sim.advance(60_000)
  expect(told('handover-requested', 'handover-started').at(-1)).toMatchObject({ reason: 'silence' })
  expect(asks.find(({ failed }) => failed !== null)).toEqual({ attempt: 0, reason: 'handover', failed: where })
  end()
})

it('client rule 2: if the url that a server names cannot be reached, dials alternate between it and the configured URL until one succeeds', async () => {
  const { sim, live, statuses, told, end } = tell()
  await live()
  const deploy = sim.deploy({ url: 'direct', door: 'refuses', deadline: 30_000 })
  await sim.advance(3_000)
  deploy.to[0]!.door = 'open'
  await sim.advance(4_000)
  const [first, second, third] = sim.dials.slice(1).map(({ url }) => url.includes('server='))
  expect([first, second, third]).toEqual([true, false, true])
  expect(told('handover-finished')).toHaveLength(1)
  expect(statuses).toEqual([])
  end()
})

it('client rule 3: the failed dials of a handover are retried less and less often, with a last one before the deadline', async () => {
  const { sim, live, statuses, end } = tell()
  await live()
  sim.deploy({ door: 'refuses', deadline: 60_000 })
  await sim.advance(57_000)
  const at = sim.dials.slice(1).map((dial) => dial.at - sim.dials[1]!.at)
  expect(at.length).toBeGreaterThan(8)
  expect(at.length).toBeLessThan(18)
  const gaps = at.slice(1).map((one, place) => one - at[place]!)
  expect(Math.max(...gaps.slice(0, 2))).toBeLessThan(1_000)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(10_100)
  await sim.advance(4_000)
  const last = sim.dials.at(-1)!.at - sim.dials[1]!.at
  expect(last).toBeGreaterThan(50_000)
  expect(statuses).toEqual(['reconnecting'])
  end()
})

it('client rule 3: a dial beside an active leg has half of connectTimeout to open, and all of it to be welcomed', async () => {
  const { sim, live, told, statuses, end } = tell({}, () => ({ connectTimeout: 6_000 }))
  await live()
  const deploy = sim.deploy({ door: 'hangs', deadline: 30_000 })
  await sim.advance(100)
  deploy.to[0]!.door = 'open'
  sim.delay({ up: 1_900, down: 10 })
  await sim.advance(2_950)
  expect(told('leg-closed')).toMatchObject([{ leg: 2, reason: 'no connection in time' }])
  await sim.advance(3_000)
  expect(told('leg-closed')).toHaveLength(1)
  await sim.advance(12_000)
  expect(told('handover-finished')).toHaveLength(1)
  expect(statuses).toEqual([])
  end()
})

it('client rule 3: a handover dials a busy server no sooner than its retryAfter, whatever the browser says of the network, and spread after it', async () => {
  const { sim, live, end } = tell()
  await live()
  sim.deploy({ door: 'busy', deadline: 60_000 }).to[0]!.retryAfter = 5_000
  for (let second = 0; second < 50; second++) {
    await sim.advance(1_000)
    if (second % 7 === 0) sim.online()
  }
  const at = sim.dials.slice(1).map((dial) => dial.at)
  const gaps = at.slice(1).map((one, place) => one - at[place]!)
  expect(gaps.length).toBeGreaterThan(4)
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5_000)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(10_100)
  end()
})

it('client rule 3: the retryAfter of a busy server still holds when the active leg dies', async () => {
  const { sim, live, end } = tell({ reconnectSpread: 0 })
  await live()
  const { from, to } = sim.deploy({ door: 'busy', deadline: 60_000 })
  to[0]!.retryAfter = 20_000
  await sim.advance(1_000)
  expect(sim.dials).toHaveLength(2)
  from[0]!.crash()
  sim.changeNetwork()
  await sim.advance(18_000)
  expect(sim.dials).toHaveLength(2)
  end()
})
