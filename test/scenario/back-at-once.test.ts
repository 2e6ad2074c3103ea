import { describe, expect, it } from 'vitest'
import { createLiveSocket } from '../../src/index.js'
import { createSimulation, type SimulatedDevice, type Simulation } from '../../src/testing/index.js'
import { tell } from './story.js'

const CLIENTS = 40

/** Forty clients of one world, each on a device with draws of its own, live for 40 s. */
async function clients(): Promise<World> {
  const sim = createSimulation()
  const all = Array.from({ length: CLIENTS }, () => {
    const device = sim.device()
    const socket = createLiveSocket({ url: sim.url, environment: device.environment })
    socket.connect()
    return { device, socket }
  })
  await sim.advance(40_000)
  return {
    sim,
    each: (act) => all.forEach(({ device }) => act(device)),
    status: () => all.map(({ socket }) => socket.store.getState().status),
    end: () => all.forEach(({ socket }) => socket.close()),
  }
}

interface World {
  readonly sim: Simulation
  each(act: (device: SimulatedDevice) => void): void
  status(): string[]
  end(): void
}

/** Sorted, ms from the end of the story to live; 0 where it was live all the time. */
async function waits(story: (world: World) => Promise<void>): Promise<number[]> {
  const world = await clients()
  await story(world)
  const all: number[] = Array.from({ length: CLIENTS }, () => Infinity)
  for (let waited = 0; waited < 5_000; waited += 50) {
    world.status().forEach((status, place) => {
      if (status === 'live') all[place] = Math.min(all[place]!, waited)
    })
    await world.sim.advance(50)
  }
  world.end()
  return all.sort((a, b) => a - b)
}

function restartOne({ sim }: World) {
  sim.servers[0]!.crash()
  sim.servers[0]!.restart()
}

describe('a user who comes back is live within a second, and after 2.5 s at worst (40 clients)', () => {
  it.each<[string, (world: World) => Promise<void>]>([
    [
      'to a tab that was hidden through 5 min of outage',
      async ({ sim, each }) => {
        each((device) => device.hide(1_000))
        sim.crash()
        await sim.advance(300_000)
        sim.restart()
        await sim.advance(1_000)
        each((device) => device.show())
      },
    ],
    [
      'to such a tab whose timers run once a minute',
      async ({ sim, each }) => {
        each((device) => device.hide(60_000))
        sim.crash()
        await sim.advance(300_000)
        sim.restart()
        await sim.advance(1_000)
        each((device) => device.show())
      },
    ],
    [
      'to a hidden tab whose leg died a second ago',
      async (world) => {
        world.each((device) => device.hide(1_000))
        await world.sim.advance(60_000)
        restartOne(world)
        await world.sim.advance(1_000)
        world.each((device) => device.show())
      },
    ],
    [
      'to a hidden tab whose leg dies at that moment',
      async (world) => {
        world.each((device) => device.hide(60_000))
        await world.sim.advance(300_000)
        restartOne(world)
        world.each((device) => device.show())
        await world.sim.advance(20)
        expect(new Set(world.status())).toEqual(new Set(['reconnecting']))
      },
    ],
    [
      'to the network, after 5 min without one',
      async (world) => {
        world.each((device) => device.offline())
        restartOne(world)
        await world.sim.advance(300_000)
        world.each((device) => device.online())
      },
    ],
    [
      'to the network, after the servers were down for 5 min too',
      async ({ sim, each }) => {
        sim.crash()
        await sim.advance(300_000)
        sim.restart()
        await sim.advance(1_000)
        each((device) => device.online())
      },
    ],
  ])('%s', async (story, act) => {
    const all = await waits(act)
    if (process.env['FIGURES']) console.log(`${story}: median ${all[CLIENTS / 2]} ms, worst ${all.at(-1)} ms`)
    expect(all[CLIENTS / 2]).toBeLessThanOrEqual(1_000)
    expect(all.at(-1)).toBeLessThanOrEqual(2_500)
  })
})

describe('in an outage', () => {
  let calm: number | undefined

  /** Dials per client in 5 min without a server. */
  async function dials(hint: (device: SimulatedDevice, count: number) => void): Promise<number> {
    const { sim, each, end } = await clients()
    const before = sim.dials.length
    sim.crash()
    for (let count = 0; count < 150; count++) {
      await sim.advance(2_000)
      each((device) => hint(device, count))
    }
    end()
    return (sim.dials.length - before) / CLIENTS
  }

  it.each<[string, (device: SimulatedDevice, count: number) => void]>([
    [
      'a tab that its user comes back to every 4 s',
      (device, count) => (count % 2 ? device.show() : device.hide(1_000)),
    ],
    ['a network that comes back every 4 s', (device, count) => (count % 2 ? device.online() : device.offline())],
    ['a network that changes every 2 s', (device) => device.changeNetwork()],
    ['a page that is left and gone back to every 2 s', (device) => (device.store(), device.restore())],
    [
      'a page that is in the back/forward cache for 2 s each time',
      (device, count) => (count % 2 ? device.restore() : device.store()),
    ],
  ])('%s makes at most half as many dials more', async (story, hint) => {
    calm ??= await dials(() => {})
    const hinted = await dials(hint)
    if (process.env['FIGURES']) console.log(`${story}: ${hinted} dials, calm ${calm}`)
    expect(calm).toBeGreaterThan(4)
    expect(hinted).toBeLessThanOrEqual(1.5 * calm)
  })

  it('switching tabs again and again causes one early attempt, and the next one no sooner than 10 s later', async () => {
    const { sim, live, end } = tell({ reconnectSpread: 300_000 })
    await live()
    await sim.advance(60_000)
    sim.crash()
    await sim.advance(100)
    const shown = sim.clock.monotonic()
    for (let count = 0; count < 40; count++) {
      sim.hide(1_000)
      sim.show()
      await sim.advance(200)
    }
    const early = sim.dials.slice(1).map(({ at }) => at - shown)
    expect(early).toHaveLength(1)
    expect(early[0]).toBeLessThanOrEqual(1_100)
    await sim.advance(3_000)
    sim.restart()
    sim.show()
    await sim.advance(1_500)
    expect(sim.dials).toHaveLength(3)
    end()
  })

  it('`online` events cause at most three early attempts a minute, and a network that works again is used at once', async () => {
    const { sim, socket, live, end } = tell({ reconnectSpread: 300_000 })
    await live()
    await sim.advance(60_000)
    sim.crash()
    for (let count = 0; count < 30; count++) {
      await sim.advance(2_000)
      sim.online()
    }
    expect(sim.dials.length - 1).toBe(3)
    await sim.advance(80_000)
    sim.restart()
    sim.online()
    await sim.advance(1_200)
    expect(socket.store.getState().status).toBe('live')
    end()
  })
})

it('a prerendered page dials nothing and fetches no token until it is opened, and is then live at once', async () => {
  const { sim, socket, end } = tell({}, (sim) => ({ getToken: sim.getToken }))
  sim.prerender()
  socket.connect()
  await sim.advance(40_000)
  sim.online()
  await sim.advance(17_000)
  expect(sim.dials).toEqual([])
  expect(sim.tokens.requests).toHaveLength(0)
  sim.activate()
  await sim.advance(300)
  expect(socket.store.getState().status).toBe('live')
  end()
})

describe('a download link in Firefox, which closes the sockets of a page that stays open', () => {
  it('costs about a second, and so does the next one', async () => {
    const { sim, socket, room, live, end } = tell()
    await live()
    const stop = sim.publishEvery(100, 'room')
    await sim.advance(60_000)
    for (let count = 0; count < 2; count++) {
      sim.download()
      expect(socket.store.getState().status).toBe('reconnecting')
      await sim.advance(1_200)
      expect(socket.store.getState().status).toBe('live')
      await sim.advance(15_000)
    }
    stop()
    await sim.advance(500)
    expect([room.problems(), room.gaps]).toEqual([[], []])
    end()
  })

  it('costs no more during a dial', async () => {
    const { sim, socket, live, end } = tell({ latency: 400 })
    socket.connect()
    await sim.advance(500)
    sim.download()
    await sim.advance(3_000)
    expect(socket.store.getState().status).toBe('live')
    void live
    end()
  })

  it('costs no more during a handover, and when five are followed in five seconds, some during a dial', async () => {
    const { sim, socket, room, live, end } = tell({ latency: 40 })
    await live()
    const stop = sim.publishEvery(100, 'room')
    const back = async () => {
      await sim.advance(2_000)
      expect(socket.store.getState().status).toBe('live')
    }
    sim.download()
    await back()
    sim.deploy()
    await sim.advance(100)
    sim.download()
    await back()
    for (let count = 0; count < 5; count++) {
      sim.download()
      await sim.advance(1_000)
    }
    await back()
    stop()
    await sim.advance(500)
    expect([room.problems(), room.gaps]).toEqual([[], []])
    end()
  })

  it('explains the end of the sockets that it closed, and not of later dials: a server that has crashed too is not dialled in haste', async () => {
    const { sim, live, end } = tell()
    await live()
    await sim.advance(60_000)
    const before = sim.dials.length
    sim.download()
    sim.crash()
    await sim.advance(3_000)
    expect(sim.dials.length - before).toBe(1)
    end()
  })
})
