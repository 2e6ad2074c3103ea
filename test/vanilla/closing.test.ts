import { describe, expect, it, onTestFinished } from 'vitest'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { LiveWebSocket } from '../../src/vanilla/live-web-socket.js'
import { fakeWebSockets } from '../kit/fake-socket.js'

function stage() {
  const clock = createSimulatedClock()
  const { WebSocket, sockets } = fakeWebSockets()
  const environment = { WebSocket, clock, random: () => 0.5 }
  const socket = new LiveWebSocket('wss://a.test/', [], { environment, minReconnectionDelay: 100 })
  const told: string[] = []
  for (const type of ['open', 'error', 'close'])
    socket.addEventListener(type, (event) => {
      const { code, wasClean } = event as CloseEvent
      told.push(type === 'close' ? `close ${code}${wasClean ? ' clean' : ''}` : type)
    })
  onTestFinished(() => socket.close())
  return {
    clock,
    socket,
    told,
    async open() {
      await clock.advance(1_000)
      sockets.at(-1)!.open()
      await clock.flush()
      return sockets.at(-1)!
    },
  }
}

describe('close() and then reconnect()', () => {
  it('before it is open, starts again without an error event for the new attempt', async () => {
    const { socket, told, open, clock } = stage()
    await clock.flush()
    socket.close()
    socket.reconnect()
    await open()
    await clock.advance(5_000)
    expect(told).toEqual(['close 1000 clean', 'open'])
  })

  it('while the close is unanswered, reports one close, and the next close() has its own time limit', async () => {
    const { socket, told, open, clock } = stage()
    await open()
    socket.close()
    await clock.advance(500)
    socket.reconnect()
    const next = await open()
    await clock.advance(1_000)
    socket.close(4000)
    await clock.advance(1_000)
    next.end(4000)
    await clock.advance(5_000)
    expect(told).toEqual(['open', 'close 1000 clean', 'open', 'close 4000 clean'])
  })

  it('while a Blob is being read, leaves the new connection open', async () => {
    const { socket, told, open, clock } = stage()
    await open()
    let read = (_: ArrayBuffer) => {}
    const blob = Object.assign(new Blob(['x']), {
      arrayBuffer: () => new Promise<ArrayBuffer>((done) => (read = done)),
    })
    socket.send(blob)
    socket.close()
    socket.reconnect()
    await open()
    read(new ArrayBuffer(1))
    await clock.advance(5_000)
    expect(told).toEqual(['open', 'close 1000 clean', 'open'])
    expect(socket.readyState).toBe(1)
  })
})

describe('close() while a Blob is being read', () => {
  it.each(['breaks', 'is closed by the server'])('does not reconnect if the connection %s meanwhile', async (how) => {
    const { socket, told, open, clock } = stage()
    const physical = await open()
    let read = (_: ArrayBuffer) => {}
    const blob = Object.assign(new Blob(['x']), {
      arrayBuffer: () => new Promise<ArrayBuffer>((done) => (read = done)),
    })
    socket.send(blob)
    socket.close()
    const code = how === 'breaks' ? 1006 : 4000
    physical.end(code)
    read(new ArrayBuffer(1))
    await clock.advance(60_000)
    expect(told).toEqual(['open', code === 1006 ? 'close 1006' : 'close 4000 clean'])
    expect(socket.live.store.getState().status).toBe('closed')
    expect(clock.pending).toBe(0)
  })
})

describe('close() in an error listener', () => {
  it.each(['was lost', 'could not be had'])('reports the close once if the connection %s', async (what) => {
    const { socket, told, open, clock } = stage()
    socket.addEventListener('error', () => socket.close(), { once: true })
    const physical = what === 'was lost' ? await open() : null
    physical?.error()
    physical?.end(1006)
    await clock.advance(60_000)
    expect(told.filter((one) => one.startsWith('close'))).toEqual(['close 1006'])
    expect(socket.readyState).toBe(3)
    expect(clock.pending).toBe(0)
  })
})
