import { describe, expect, it } from 'vitest'
import { createLiveSocket, type LiveSocket } from '../../src/index.js'
import { createSimulation } from '../../src/testing/index.js'

/** The offsets that a handler is given, from when it subscribes. */
function read(socket: LiveSocket, from?: { last: number }) {
  const offsets: number[] = []
  const stop = socket.subscribe('room', (_, { offset }) => void offsets.push(offset), from && { from })
  return { offsets, stop }
}

const rising = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('a subscription from the last few messages', () => {
  it('gets those and then new ones, each once and in order', async () => {
    const sim = createSimulation()
    for (let n = 1; n <= 80; n++) sim.publish('room', n)
    const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
    const { offsets } = read(socket, { last: 50 })
    socket.connect()
    await sim.advance(200)
    sim.publish('room', 81)
    await sim.advance(100)
    expect(offsets).toEqual(rising(31, 81))
    expect(socket.stats().gaps).toBe(0)
    socket.close()
  })

  it('gets fewer if fewer exist, without a gap', async () => {
    const sim = createSimulation()
    const gaps: unknown[] = []
    const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
    socket.on('gap', (gap) => void gaps.push(gap))
    const { offsets } = read(socket, { last: 1e9 })
    socket.connect()
    await sim.advance(200)
    for (let n = 1; n <= 3; n++) sim.publish('room', n)
    await sim.advance(100)
    expect([offsets, gaps]).toEqual([[1, 2, 3], []])
    socket.close()
  })

  it('does not make subscriptions that were there before receive or miss anything more', async () => {
    const sim = createSimulation()
    for (let n = 1; n <= 20; n++) sim.publish('room', n)
    const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
    const first = read(socket)
    socket.connect()
    await sim.advance(200)
    sim.publish('room', 21)
    await sim.advance(100)
    const second = read(socket, { last: 5 })
    const third = read(socket, { last: 2 })
    for (let n = 22; n <= 30; n++) {
      sim.publish('room', n)
      await sim.advance(7)
    }
    await sim.advance(300)
    expect(first.offsets).toEqual(rising(21, 30))
    expect(second.offsets.at(-1)).toBe(30)
    expect(second.offsets).toEqual(rising(second.offsets[0]!, 30))
    expect(second.offsets[0]).toBeLessThanOrEqual(19)
    expect(third.offsets).toEqual(rising(third.offsets[0]!, 30))
    expect(socket.stats().gaps).toBe(0)
    socket.close()
  })

  it.each(Array.from({ length: Number(process.env['WEATHERS'] ?? 12) }, (_, at) => at + 1))(
    'misses and repeats nothing from its first message on, through deploys, crashes and handovers, seed %i',
    async (seed) => {
      const sim = createSimulation({ seed, servers: 2, reconnectSpread: 300 })
      const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
      let stop = false
      const publish = () => {
        if (stop) return
        sim.publish('room', 0)
        sim.clock.setTimeout(publish, 5)
      }
      publish()
      await sim.advance(500)
      const readers: (ReturnType<typeof read> & { readonly from: number })[] = []
      const join = () => {
        const last = sim.random() < 0.7 ? 1 + Math.floor(sim.random() * 80) : 0
        const at = socket.position('room')
        // Where the topic is somewhere already, the last ones are those up to there.
        const from = at && last > 0 ? Math.max(1, at.offset - last + 1) : Infinity
        readers.push({ ...read(socket, last > 0 ? { last } : undefined), from })
      }
      join()
      socket.connect()
      for (let turn = 0; turn < 40; turn++) {
        const what = sim.random()
        if (what < 0.25) join()
        else if (what < 0.45) void sim.deploy({ deadline: 2_000 })
        else if (what < 0.6) void socket.handover().catch(() => {})
        else if (what < 0.7) sim.crash(), sim.clock.setTimeout(sim.restart, 100)
        else if (what < 0.8) sim.delay({ up: 1 + sim.random() * 150, down: 1 + sim.random() * 150 })
        await sim.advance(sim.random() * 400)
      }
      stop = true
      await sim.advance(20_000)
      const head = sim.published.length
      for (const { offsets, from } of readers) {
        expect(offsets.length).toBeGreaterThan(0)
        expect(offsets[0]).toBeLessThanOrEqual(from)
        expect(offsets).toEqual(rising(offsets[0]!, head))
      }
      expect(socket.stats().gaps).toBe(0)
      socket.close()
    },
    60_000,
  )
})
