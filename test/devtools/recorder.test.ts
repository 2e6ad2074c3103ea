import { createLiveSocket, type LiveSocketOptions } from 'livesocket'
import { breakable, createRecorder, type RecorderOptions } from 'livesocket/devtools'
import { createSimulation } from 'livesocket/testing'
import { describe, expect, it } from 'vitest'

function setUp({
  limit,
  seen = true,
  ...options
}: RecorderOptions & Partial<LiveSocketOptions> & { seen?: boolean } = {}) {
  const sim = createSimulation({ seed: 3, requireToken: true, latency: 40 })
  const wire = breakable(sim.environment.WebSocket)
  const socket = createLiveSocket({
    url: `${sim.url}?ticket=secret-ticket`,
    getToken: sim.getToken,
    environment: { ...sim.environment, WebSocket: wire },
    ...options,
  })
  const record = () => createRecorder(socket, { clock: sim.clock, ...(seen ? { wire } : {}), limit })
  socket.subscribe('room', () => {})
  return { sim, socket, wire, record }
}

describe('a recording', () => {
  it('has both legs of a handover: dialled, ready, serving, retired, closed, in this order', async () => {
    const { sim, socket, record } = setUp()
    const recorder = record()
    socket.connect()
    await sim.advance(1_000)
    sim.deploy()
    await sim.advance(2_000)
    const [first, second] = recorder.legs
    expect(recorder.legs.map(({ number, server, code, by }) => [number, server, code, by])).toEqual([
      [1, 'server-1', 1000, 'client'],
      [2, 'server-2', null, null],
    ])
    const times = [
      first!.dialled,
      first!.opened,
      first!.ready,
      first!.serving,
      second!.dialled,
      second!.opened,
      second!.ready,
      second!.serving,
      first!.closed,
    ]
    expect([...times].sort((a, b) => a! - b!)).toEqual(times)
    expect(first!.retired).toBe(second!.serving)
    expect(second!.retired).toBeNull()
    expect(recorder.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['handover-requested', 'handover-started', 'cutover', 'handover-finished']),
    )
  })

  it('counts the messages of each leg: delivered, dropped as duplicates, held', async () => {
    const { sim, socket, record } = setUp()
    const recorder = record()
    socket.connect()
    await sim.advance(500)
    const stop = sim.publishEvery(15, 'room')
    sim.clock.setTimeout(() => void socket.publish('other', 1).catch(() => undefined), 300)
    await sim.advance(200)
    sim.deploy()
    await sim.advance(1_000)
    stop()
    await sim.advance(500)
    const { delivered, duplicates, held } = socket.stats()
    expect(duplicates).toBeGreaterThan(0)
    for (const books of [recorder.legs, recorder.arrivals]) {
      const sum = (name: 'delivered' | 'duplicates' | 'held') => books.reduce((total, one) => total + one[name], 0)
      expect([sum('delivered'), sum('duplicates'), sum('held')]).toEqual([delivered, duplicates, held])
    }
    expect(recorder.legs.every((leg) => leg.delivered > 0)).toBe(true)
  })

  it('has only messages of the active leg without a breakable WebSocket', async () => {
    const { sim, socket, record } = setUp({ seen: false })
    const recorder = record()
    socket.connect()
    await sim.advance(500)
    for (let count = 0; count < 5; count++) sim.publish('room', count)
    await sim.advance(300)
    expect(recorder.legs[0]!.delivered).toBe(5)
    expect(recorder.connection(1)).toBeUndefined()
  })

  it('knows the connection of a leg, even if the leg was open before the recording', async () => {
    const { sim, socket, record, wire } = setUp()
    socket.connect()
    await sim.advance(500)
    const recorder = record()
    expect(recorder.legs).toMatchObject([{ number: 1, server: 'server-1', serving: 0 }])
    expect(recorder.connection(1)).toBe(wire.connections[0])
    sim.deploy()
    await sim.advance(1_000)
    expect(recorder.connection(1)).toBeUndefined()
    expect(recorder.connection(2)).toBe(wire.connections[0])
  })

  it('shows a leg whose dial it has not seen', async () => {
    const { sim, socket, record } = setUp()
    socket.connect()
    await sim.advance(60)
    const recorder = record()
    await sim.advance(500)
    expect(recorder.legs).toMatchObject([{ number: 1, server: 'server-1' }])
    expect(recorder.legs[0]!.serving).not.toBeNull()
  })

  it('is bounded, and counts what it dropped', async () => {
    const { sim, socket, record } = setUp({ limit: 20 })
    const recorder = record()
    socket.connect()
    for (let deploys = 0; deploys < 110; deploys++) {
      await sim.advance(1_200)
      sim.deploy()
    }
    await sim.advance(2_000)
    expect(recorder.events).toHaveLength(20)
    expect(recorder.legs.length).toBeLessThanOrEqual(100)
    expect(recorder.recording().dropped).toBeGreaterThan(500)
    expect(socket.stats()).toMatchObject({ handovers: 110, gaps: 0 })
  })

  it.each([0, -1, NaN, 1.5, Infinity, null, '2000'])('refuses %s as its limit', (limit) => {
    const { record } = setUp({ limit: limit as number })
    expect(record).toThrow(/^limit must be a whole number from 1/)
  })

  it('contains no token, no message data and no query string, whatever the server sends', async () => {
    const { sim, socket, record } = setUp()
    sim.tokens.ttl = 20_000
    const recorder = record()
    socket.connect()
    await sim.advance(500)
    sim.publish('room', { secret: 'message-data' })
    void socket.publish('other', 'published-data').catch(() => undefined)
    sim.deploy({ reason: 'Bearer abcdef token=abcdef' })
    await sim.advance(2_000)
    sim.tokens.end('eyJhbGciOiJIUzI1NiJ9.e30.sig is over')
    await sim.advance(20_000)
    const text = JSON.stringify(recorder.recording())
    expect(JSON.parse(text)).toMatchObject({
      format: 'livesocket-recording-1',
      state: { closed: { by: 'session-ended' } },
    })
    for (const secret of [/token-\d/, /message-data/, /published-data/, /ticket/, /abcdef/, /eyJ/])
      expect(text).not.toMatch(secret)
  })

  it('contains none of these in the middle of a handover either', async () => {
    const { sim, socket, record } = setUp()
    const recorder = record()
    socket.connect()
    await sim.advance(500)
    sim.deploy({ reason: 'Bearer abcdef token=abcdef', spread: 5_000 })
    await sim.advance(100)
    const recording = recorder.recording()
    expect(recording.state.handover).toMatchObject({ phase: 'waiting', reason: 'Bearer [redacted] token=[redacted]' })
    expect(JSON.stringify(recording)).not.toMatch(/abcdef/)
  })

  it('continues empty when it is cleared, and ends when it is stopped', async () => {
    const { sim, socket, record } = setUp()
    const recorder = record()
    socket.connect()
    await sim.advance(500)
    sim.deploy()
    await sim.advance(1_500)
    recorder.clear()
    expect([recorder.events, recorder.arrivals, recorder.legs.map(({ number }) => number)]).toEqual([[], [], [2]])
    sim.deploy()
    await sim.advance(1_500)
    expect(recorder.events.length).toBeGreaterThan(4)
    recorder.stop()
    const { length } = recorder.events
    sim.deploy()
    await sim.advance(1_500)
    expect(recorder.events).toHaveLength(length)
  })
})
