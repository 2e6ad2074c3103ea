import { createLiveSocket, type LiveSocket, type LiveSocketOptions } from 'livesocket'
import { createSimulation, type Simulation } from 'livesocket/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EVENT_TYPES } from '../../src/devtools/event-types.js'

interface Stage {
  readonly state: string
  readonly options?: (simulation: Simulation) => Partial<LiveSocketOptions>
  /** Brings a socket that has not connected into that state. */
  readonly reach: (simulation: Simulation, socket: LiveSocket) => Promise<void> | void
  /** Whether the socket is in that state. */
  readonly there?: (socket: LiveSocket, simulation: Simulation) => boolean
}

const never = <Value>() => new Promise<Value>(() => undefined)
const stays = { heartbeat: false as const }
const live = async (simulation: Simulation, socket: LiveSocket) => {
  socket.connect()
  await simulation.advance(500)
}

const STAGES: Stage[] = [
  { state: 'idle', reach: () => undefined, there: (socket) => socket.store.getState().status === 'idle' },
  {
    state: 'fetching a token',
    options: () => ({ getToken: () => never() }),
    reach: live,
    there: (_, { dials }) => dials.length === 0,
  },
  {
    state: 'waiting for a token provider that failed',
    options: () => ({ getToken: () => Promise.reject(new Error('503')) }),
    reach: live,
    there: (_, { dials }) => dials.length === 0,
  },
  {
    state: 'asking for the url',
    options: () => ({ url: () => never<string>() }),
    reach: live,
    there: (_, { dials }) => dials.length === 0,
  },
  {
    state: 'dialling',
    reach: (simulation, socket) => (simulation.refuse('hangs'), live(simulation, socket)),
    there: (socket) => socket.store.getState().status === 'connecting',
  },
  {
    state: 'before the welcome',
    reach: (simulation, socket) => (simulation.refuse('mute'), live(simulation, socket)),
    there: (socket) => socket.store.getState().status === 'connecting',
  },
  { state: 'live', reach: live, there: (socket) => socket.store.getState().status === 'live' },
  {
    state: 'a handover that waits',
    reach: async (simulation, socket) => {
      await live(simulation, socket)
      simulation.deploy({ deadline: 30_000, spread: 20_000 })
      await simulation.advance(50)
    },
    there: (socket) => socket.store.getState().handover?.phase === 'waiting',
  },
  {
    state: 'a handover whose moment the application has not named',
    options: () => ({ handover: { when: () => never() } }),
    reach: async (simulation, socket) => {
      await live(simulation, socket)
      simulation.deploy({ deadline: 30_000 })
      await simulation.advance(50)
    },
  },
  {
    state: 'a handover that dials',
    reach: async (simulation, socket) => {
      await live(simulation, socket)
      simulation.deploy({ deadline: 30_000, door: 'hangs' })
      await simulation.advance(500)
    },
    there: (socket) => socket.store.getState().handover?.phase === 'dialling',
  },
  {
    state: 'a handover in its overlap',
    options: () => stays,
    reach: async (simulation, socket) => {
      await live(simulation, socket)
      simulation.servers[0]!.acks = false
      void socket.publish('a', 'unanswered').catch(() => undefined)
      await simulation.advance(50)
      simulation.deploy({ deadline: 30_000 })
      for (let waited = 0; waited < 3_000 && socket.store.getState().leg?.number !== 2; waited += 5)
        await simulation.advance(5)
    },
    there: (socket) =>
      socket.store.getState().handover?.phase === 'overlapping' && socket.store.getState().leg?.number === 2,
  },
  {
    state: 'waiting to reconnect',
    reach: async (simulation, socket) => {
      await live(simulation, socket)
      simulation.crash()
      await simulation.advance(50)
    },
    there: (socket) => socket.store.getState().retry !== null,
  },
  {
    state: 'in the back/forward cache',
    reach: async (simulation, socket) => {
      await live(simulation, socket)
      page.tell('stored')
      await simulation.advance(50)
    },
    there: (socket) => socket.store.getState().status === 'reconnecting',
  },
  {
    state: 'offline',
    reach: async (simulation, socket) => {
      await live(simulation, socket)
      simulation.offline()
      await simulation.advance(1_000)
    },
  },
  {
    state: 'closed already',
    reach: async (simulation, socket) => (await live(simulation, socket), socket.close()),
    there: (socket) => socket.store.getState().status === 'closed',
  },
]

/** A page that the test stores and restores. */
const page = {
  listeners: new Set<(change: 'stored' | 'restored') => void>(),
  tell: (change: 'stored' | 'restored') => [...page.listeners].forEach((listener) => listener(change)),
}

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)
beforeEach(() => void process.on('unhandledRejection', note))
afterEach(() => {
  process.off('unhandledRejection', note)
  page.listeners.clear()
  expect(unhandled.splice(0)).toEqual([])
})

async function reached({ options, reach, there }: Stage) {
  const simulation = createSimulation()
  const environment = {
    ...simulation.environment,
    page: {
      hidden: () => false,
      subscribe: (listener: (change: never) => void) => {
        page.listeners.add(listener as never)
        return () => void page.listeners.delete(listener as never)
      },
    },
  }
  const socket = createLiveSocket({
    url: simulation.url,
    environment,
    getToken: simulation.getToken,
    reconnect: { spread: 20_000 },
    ...options?.(simulation),
  })
  socket.subscribe('a', () => undefined)
  await reach(simulation, socket)
  if (there) expect(there(socket, simulation)).toBe(true)
  return { simulation, socket }
}

describe.each([
  { call: 'close()', end: (socket: LiveSocket) => socket.close(), by: 'app', settle: 'closed' },
  { call: 'signOut()', end: (socket: LiveSocket) => socket.signOut(), by: 'signed-out', settle: 'closed' },
  { call: 'dispose', end: (socket: LiveSocket) => socket[Symbol.dispose](), by: 'app', settle: 'closed' },
])('$call', ({ end, by }) => {
  it.each(STAGES)('leaves no leg, no timer, no unsettled promise and no later event: $state', async (stage) => {
    const { simulation, socket } = await reached(stage)
    const published = socket.publish('a', 1).then(
      () => 'applied',
      (error: { code: string }) => error.code,
    )
    const moved = socket.handover().then(
      () => 'moved',
      (error: { code: string }) => error.code,
    )
    const reading = socket
      .stream('a')
      .next()
      .then(
        () => 'read',
        (error: { code: string }) => error.code,
      )
    let over = false
    const late: string[] = []
    for (const type of EVENT_TYPES) socket.on(type, () => over && late.push(type))
    socket.subscribe('a', () => over && late.push('message'))
    end(socket)
    over = true
    expect(socket.store.getState()).toMatchObject({ status: 'closed', leg: null, handover: null, retry: null })
    if (stage.state !== 'closed already') expect(socket.store.getState().closed).toEqual({ by })
    const settled = Promise.all([published, moved, reading])
    await simulation.clock.flush()
    expect(await Promise.race([settled, 'not settled'])).toEqual([
      expect.stringMatching(/^(closed|outcome-unknown)$/),
      'closed',
      'closed',
    ])
    socket.store.subscribe(() => void late.push('state'))

    // A closing socket has 2 s for the closing handshake, and the outbox's counter is updated once a frame.
    simulation.online()
    simulation.accept()
    simulation.publish('a', 2)
    await simulation.advance(3_000)
    page.tell('restored')
    const dials = simulation.dials.length
    await simulation.advance(3_600_000)
    expect(late.filter((what) => what !== 'state')).toEqual([])
    expect({
      legs: simulation.servers.reduce((sum, { legs }) => sum + legs, 0),
      dials: simulation.dials.length,
      timers: simulation.clock.pending,
      listeners: page.listeners.size,
    }).toEqual({ legs: 0, dials, timers: 0, listeners: 0 })
  })

  it.each(STAGES)('may be followed by connect(): $state', async (stage) => {
    const { simulation, socket } = await reached(stage)
    end(socket)
    simulation.online()
    simulation.accept()
    simulation.restart()
    socket.connect()
    await simulation.advance(200)
    if (!stage.options?.(simulation).getToken && !stage.options?.(simulation).url) {
      for (const server of simulation.servers) server.door = 'open'
      await simulation.advance(60_000)
      expect(socket.store.getState().status).toBe('live')
      const applied = socket.publish('a', 'again')
      await simulation.advance(500)
      await applied
    }
    end(socket)
    await simulation.advance(10_000)
    expect(simulation.clock.pending).toBe(0)
  })
})

it.each<{ given: Parameters<LiveSocket['close']>; told: { code: number; reason: string } }>([
  { given: [], told: { code: 1000, reason: 'stopped' } },
  { given: [4000], told: { code: 4000, reason: '' } },
  { given: [4000, 'bye'], told: { code: 4000, reason: 'bye' } },
])(
  'close($given) closes the leg with $told: a code alone has an empty reason, as with a WebSocket',
  async ({ given, told }) => {
    const simulation = createSimulation()
    const socket = createLiveSocket({ url: simulation.url, environment: simulation.environment })
    await live(simulation, socket)
    const closed: object[] = []
    socket.on('leg-closed', ({ code, reason }) => closed.push({ code, reason }))
    socket.close(...given)
    expect(closed).toEqual([told])
  },
)

it('the error of a publish that close() stops says in one sentence whether it was sent', async () => {
  const simulation = createSimulation()
  const socket = createLiveSocket({ url: simulation.url, environment: simulation.environment })
  const unsent = socket.publish('news', 1).catch(({ message }: Error) => message)
  socket.connect()
  socket.close()
  expect(await unsent).toBe('publish "news": the live socket was closed (app) before it was sent: it did not happen')
  await expect(socket.publish('news', 2)).rejects.toThrow('publish "news": the live socket was closed (app)')
})
