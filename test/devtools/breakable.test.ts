import { createLiveSocket } from 'livesocket'
import { breakable } from 'livesocket/devtools'
import { createSimulation } from 'livesocket/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

async function connected() {
  const sim = createSimulation({ seed: 3 })
  const wire = breakable(sim.environment.WebSocket)
  const socket = createLiveSocket({
    url: sim.url,
    environment: { ...sim.environment, WebSocket: wire },
    reconnect: { spread: 500 },
    heartbeat: { interval: 1_000, timeout: 500 },
  })
  const room = sim.observe(socket, 'room')
  const closes: { code: number; by: string }[] = []
  socket.on('leg-closed', ({ code, by }) => closes.push({ code, by }))
  socket.connect()
  await sim.advance(300)
  sim.publishEvery(20, 'room')
  await sim.advance(300)
  return { sim, wire, socket, room, closes }
}

describe('breakable(WebSocket)', () => {
  it('behaves like the class that it was given as long as nothing is broken', async () => {
    const { sim, wire, socket, room } = await connected()
    expect(wire.connections.map(({ state }) => state)).toEqual(['open'])
    sim.deploy()
    await sim.advance(1_000)
    expect([socket.stats().handovers, room.problems({ complete: false })]).toEqual([1, []])
    expect(wire.connections.map(({ state }) => state)).toEqual(['open'])
    socket.close()
    expect(wire.connections).toEqual([])
  })

  it('is not disturbed by a listener that throws, and nor are later listeners', async () => {
    const { sim, wire, socket, room } = await connected()
    const uncaught = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    onTestFinished(() => uncaught.mockRestore())
    let seen = 0
    wire.listen(() => {
      throw new Error('a mistake of who looks on')
    })
    wire.listen(() => seen++)
    const published = socket.publish('room', 'hello')
    await sim.advance(300)
    await expect(published).resolves.toMatchObject({ offset: expect.any(Number) })
    expect(room.problems({ complete: false })).toEqual([])
    expect([seen > 0, uncaught.mock.calls.length]).toEqual([true, seen])
  })

  it('breaks a connection as a network would: 1006 at once and nothing after it, and everything is replayed', async () => {
    const { sim, wire, socket, room, closes } = await connected()
    const before = room.messages.length
    wire.connections[0]!.break()
    expect(closes).toEqual([{ code: 1006, by: 'server' }])
    expect([socket.store.getState().status, wire.connections]).toEqual(['reconnecting', []])
    await sim.advance(40)
    expect(room.messages).toHaveLength(before)
    await sim.advance(2_000)
    expect([socket.store.getState().status, room.problems({ complete: false }), closes.length]).toEqual(['live', [], 1])
  })

  it('reports a single close of a broken socket, 1006, and not the real close that follows', async () => {
    const { sim, wire } = await connected()
    const seen: unknown[] = []
    const raw = new wire(sim.url, 'livesocket.v1')
    for (const type of ['open', 'error', 'close'])
      raw.addEventListener(type, (event) => seen.push(type === 'close' ? (event as CloseEvent).code : type))
    await sim.advance(100)
    wire.connections.at(-1)!.break()
    await sim.advance(5_000)
    expect(seen).toEqual(['open', 'error', 1006])
  })

  it('freezes a connection so that only the heartbeat notices, and thaws it with everything that was on its way', async () => {
    const { sim, wire, socket, room } = await connected()
    const [connection] = wire.connections
    connection!.freeze()
    const before = room.messages.length
    const publish = socket.publish('other', 'from the ice')
    await sim.advance(400)
    expect([room.messages.length, socket.store.getState().status]).toEqual([before, 'live'])
    connection!.thaw()
    await sim.advance(200)
    await expect(publish).resolves.toMatchObject({ offset: 1 })
    expect(room.problems({ complete: false })).toEqual([])
    expect(socket.stats()).toMatchObject({ handovers: 0, reconnects: 0 })

    connection!.freeze()
    await sim.advance(5_000)
    expect(socket.store.getState()).toMatchObject({ status: 'live', leg: { number: 2 } })
    expect(room.problems({ complete: false })).toEqual([])
  })

  it('notifies its listeners before the application, and breaks nothing twice', async () => {
    const { sim, wire, socket } = await connected()
    const seen: string[] = []
    const stop = wire.listen(({ type }) => seen.push(`${type} at ${socket.stats().received}`))
    const { received } = socket.stats()
    await sim.advance(25)
    expect(seen[0]).toBe(`message at ${received}`)
    const [connection] = wire.connections
    connection!.break()
    connection!.break()
    stop()
    await sim.advance(2_000)
    expect(seen.filter((text) => text.startsWith('close'))).toHaveLength(1)
    expect(seen.filter((text) => text.startsWith('open'))).toEqual([])
  })

  it('does nothing before the first dial, and says what is missing if there is no WebSocket', () => {
    const Class = breakable()
    expect(Class.connections).toEqual([])
    const kept = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket')
    Object.defineProperty(globalThis, 'WebSocket', { value: undefined, configurable: true, writable: true })
    try {
      expect(() => new Class('wss://live.test')).toThrow(/give it a class/)
    } finally {
      if (kept) Object.defineProperty(globalThis, 'WebSocket', kept)
      else delete (globalThis as { WebSocket?: unknown }).WebSocket
    }
  })
})
