import { createLiveSocket as createWholeSocket, type LiveSocketOptions } from 'livesocket'
import { createLiveSocket, fold, requests, schemas, stream, type CoreSocket, type Parts } from 'livesocket/core'
import { createSimulation } from 'livesocket/testing'
import { LiveWebSocket } from 'livesocket/vanilla'
import { describe, expect, it } from 'vitest'
import { CoreWebSocket } from '../src/vanilla/core-web-socket.js'
import { noTokens } from '../src/tokens/no-tokens.js'
import { tokens } from '../src/tokens/tokens.js'

const NUMBER = {
  '~standard': {
    version: 1 as const,
    vendor: 'test',
    validate: (value: unknown) => (typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] }),
  },
}

function world(options: Partial<LiveSocketOptions> = {}, parts: Parts = {}, given = {}) {
  const sim = createSimulation({ seed: 7, ...given })
  const socket = createLiveSocket({ url: sim.url, environment: sim.environment, ...options }, parts)
  return { sim, socket }
}

describe('livesocket/core without any part', () => {
  it('hands over, reconnects and publishes like the whole socket: nothing is lost or repeated', async () => {
    const { sim, socket } = world()
    const room = sim.observe(socket as never, 'room')
    socket.connect()
    await sim.advance(500)
    const stop = sim.publishEvery(50, 'room')
    const published = socket.publish('room', { mine: true })
    sim.deploy()
    await sim.advance(5_000)
    await expect(published).resolves.toMatchObject({ offset: expect.any(Number) as number })
    sim.crash()
    sim.restart()
    await sim.advance(120_000)
    stop()
    await sim.advance(2_000)
    expect([room.problems(), room.gaps]).toEqual([[], []])
    expect(room.messages.length).toBeGreaterThan(1_000)
    expect(socket.stats()).toMatchObject({ handovers: 1, reconnects: 1 })
    socket.close()
  })

  it.each([
    ['getToken', { getToken: async () => 'token' }, 'tokens'],
    ['schemas', { schemas: { room: NUMBER } }, 'schemas'],
    ['methods', { methods: { add: { input: NUMBER } } }, 'schemas'],
  ])('says which part %s needs', (option, options, part) => {
    const made = () => world(options as Partial<LiveSocketOptions>)
    expect(made).toThrow(expect.objectContaining({ code: 'invalid' }) as Error)
    expect(made).toThrow(`${option} needs its part: createLiveSocket(options, { ${part} })`)
  })

  it.each([{}, { requests: undefined, signals: undefined } as Parts])(
    'has no requests and no signals, and says so: %o',
    async (parts) => {
      const { socket } = world({}, parts)
      await expect(socket.request('add', 1)).rejects.toMatchObject({ code: 'invalid' })
      expect(() => socket.signal('room', 1)).toThrow(expect.objectContaining({ code: 'invalid' }) as Error)
      expect(() => socket.onSignal('room', () => undefined)).toThrow(
        expect.objectContaining({ code: 'invalid' }) as Error,
      )
    },
  )

  it('ends the session if a server asks for a token twice', async () => {
    const { sim, socket } = world({}, {}, { requireToken: true, reconnectSpread: 1_000 })
    socket.connect()
    await sim.advance(60_000)
    expect(socket.store.getState()).toMatchObject({
      status: 'closed',
      closed: { by: 'session-ended', reason: 'token-refused' },
    })
  })

  it('reports a token that a server offers and that it cannot use', () => {
    const failed: unknown[] = []
    const handlers = { failed: (event: { error: unknown }) => failed.push(event.error) }
    noTokens({} as never, handlers as never).push('token', 1_000)
    expect(failed).toMatchObject([{ code: 'invalid' }])
  })
})

describe('the parts', () => {
  it('tokens: a socket sends one in its hello', async () => {
    const sim = createSimulation({ seed: 3, requireToken: true })
    const { url, environment, getToken } = sim
    const socket = createLiveSocket({ url, environment, getToken }, { tokens })
    socket.connect()
    await sim.advance(500)
    expect(socket.store.getState()).toMatchObject({ status: 'live', token: { status: 'valid' } })
    socket.signOut()
  })

  it('schemas: data is checked', async () => {
    const { socket } = world({ schemas: { room: NUMBER } }, { schemas })
    await expect(socket.publish('room', 'text')).rejects.toMatchObject({ code: 'invalid' })
  })

  it('requests: they wait for a leg like those of the whole socket', async () => {
    const { socket } = world({}, { requests })
    const asked = socket.request('add', 1)
    socket.connect()
    socket.close()
    await expect(asked).rejects.toMatchObject({ code: 'closed' })
  })

  it('fold and stream accept any live socket, also the whole one, and nothing else', async () => {
    const sim = createSimulation({ seed: 5 })
    const whole = createWholeSocket({ url: sim.url, environment: sim.environment })
    const lean = createLiveSocket({ url: sim.url, environment: sim.environment })
    const counts = [whole, lean].map((socket: CoreSocket) => {
      const store = fold(socket, 'room', (count: number) => count + 1, 0)
      store.subscribe(() => undefined)
      socket.connect()
      return store
    })
    const read = stream(lean, 'room')
    await sim.advance(500)
    for (let n = 0; n < 5; n++) sim.publish('room', n)
    await sim.advance(500)
    expect(counts.map((store) => store.getState())).toEqual([5, 5])
    await expect(read.next()).resolves.toMatchObject({ value: { data: 0, topic: 'room' } })
    expect(() => fold({} as CoreSocket, 'room', () => 0, 0)).toThrow(/no live socket .* of this copy of livesocket/)
    whole.close()
    lean.close()
  })
})

describe('CoreWebSocket', () => {
  it('is LiveWebSocket without getToken, and so are its subclasses', () => {
    const options = { startClosed: true, getToken: async () => 'token', words: { hello: () => null } }
    expect(() => new CoreWebSocket('wss://h.test', [], options)).toThrow('getToken needs its part')
    expect(() => new (CoreWebSocket.with(options))('wss://h.test')).toThrow('getToken needs its part')
    expect(new LiveWebSocket('wss://h.test', [], options)).toBeInstanceOf(CoreWebSocket)
    expect(new (LiveWebSocket.with(options))('wss://h.test')).toBeInstanceOf(LiveWebSocket)
  })
})
