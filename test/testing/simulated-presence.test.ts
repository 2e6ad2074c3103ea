import { createLiveSocket, type LiveSocketError, type LiveSocket } from 'livesocket'
import { describe, expect, it, onTestFinished } from 'vitest'
import { presence, type Presence } from '../../src/presence/index.js'
import { createSimulation, type Simulation, type SimulationOptions } from '../../src/testing/index.js'

const world = (options: SimulationOptions = {}) => createSimulation({ presence: () => true, ...options })

function join(sim: Simulation, device = sim.device(), environment = device.environment) {
  const socket = createLiveSocket({ url: sim.url, environment, getToken: device.getToken, reconnect: { spread: 500 } })
  onTestFinished(() => socket.close())
  socket.connect()
  return socket
}

/** A client that is present, and one that looks, with every list that it was shown. */
async function pair(sim: Simulation) {
  const here = presence(join(sim), 'room', { data: 'a' })
  const looks = presence(join(sim), 'room')
  const shown: number[] = []
  looks.members.subscribe((members) => void shown.push(members.length))
  await sim.advance(2_000)
  expect(list(looks)).toEqual([['user-2', 'a', 1]])
  shown.length = 0
  return { here, looks, shown }
}

const list = (here: Presence) =>
  here.members.getState().map(({ user, data, connections }) => [user, data, connections.length])

const outcome = (asked: Promise<unknown>) =>
  asked.then(
    (answer) => answer,
    (error: LiveSocketError) => [error.code, error.reason],
  )

describe('who is present on simulated servers', () => {
  it('a member who may not be present any more is told so, even if another listener of the page throws', async () => {
    let allowed = true
    const sim = world({ presence: () => allowed })
    const socket = join(sim)
    const told: string[] = []
    const errors: unknown[] = []
    socket.on('error', ({ error }) => errors.push((error.cause as Error).message))
    presence(socket, 'room', {
      data: 1,
      onError: () => {
        throw new Error('a mistake of the page')
      },
    })
    presence(socket, 'room', { data: 2, onError: ({ code }) => told.push(code) })
    await sim.advance(2_000)
    allowed = false
    sim.log.loseEpoch('livesocket.presence:room')
    await sim.advance(5_000)
    expect(told).toEqual(['forbidden'])
    expect(errors).toEqual(['a mistake of the page'])
  })

  it('leaving or signing out before entering is not an error', async () => {
    const sim = world()
    sim.offline()
    const socket = join(sim, sim)
    const errors: unknown[] = []
    socket.on('error', ({ error }) => errors.push(error))
    presence(socket, 'room', { data: 1 })
    const asked = outcome(presence(socket, 'room').enter())
    await sim.advance(500)
    socket.signOut()
    expect(await asked).toEqual(['closed', undefined])
    presence(socket, 'room', { data: 1 })
    await sim.advance(500)
    socket.close()
    await sim.advance(500)
    expect(errors).toEqual([])
  })

  it.each(['', undefined, 7, 'x'.repeat(257)])('refuses %s, which is not a topic', (topic) => {
    expect(() => presence(join(world()), topic as string)).toThrow(/^A topic is a string of 1 to 256 characters/)
  })

  it.each([undefined, null, {}])('refuses %s, which is not a live socket', (socket) => {
    expect(() => presence(socket as never, 'room')).toThrow(/^This is no live socket/)
  })

  it('is reported to all watchers, and nobody flickers in a deploy', async () => {
    const sim = world({ servers: 2 })
    const { here, looks, shown } = await pair(sim)
    sim.deploy({ deadline: 2_000 })
    await sim.advance(10_000)
    expect(shown).toEqual([])
    void here.update('b')
    await sim.advance(500)
    expect(list(looks)).toEqual([['user-2', 'b', 1]])
    void here.leave()
    await sim.advance(500)
    expect(shown).toEqual([1, 0])
  })

  it('a member stays for 5 s after its last leg, for 15 s after a crash, and leaves once', async () => {
    const sim = world({ servers: 1 })
    const device = sim.device()
    const looks = presence(join(sim), 'room')
    presence(join(sim, device), 'room', { data: 1 })
    const shown: number[] = []
    looks.members.subscribe((members) => void shown.push(members.length))
    await sim.advance(2_000)
    device.offline()
    sim.crash()
    sim.restart()
    await sim.advance(14_000)
    expect(looks.members.getState()).toHaveLength(1)
    await sim.advance(2_000)
    expect(shown).toEqual([1, 0])
    device.online()
    await sim.advance(20_000)
    expect(shown).toEqual([1, 0, 1])
  })

  it('two tabs of one device are one member, which enters again if the list is lost', async () => {
    const sim = world()
    const device = sim.device()
    const sockets: LiveSocket[] = [join(sim, device), join(sim, device, device.tab())]
    for (const [at, socket] of sockets.entries()) presence(socket, 'room', { data: at })
    const looks = presence(join(sim), 'room')
    looks.members.subscribe(() => {})
    await sim.advance(2_000)
    expect(looks.members.getState().map(({ user, connections }) => [user, connections.length])).toEqual([['user-2', 2]])
    sim.log.loseEpoch('livesocket.presence:room')
    await sim.advance(5_000)
    expect(looks.members.getState().map(({ user, connections }) => [user, connections.length])).toEqual([['user-2', 2]])
    sockets[0]!.close()
    await sim.advance(5_500)
    expect(list(looks)).toEqual([['user-2', 1, 1]])
  })

  it('the server decides: a user who may not be shown is refused, and one who may not subscribe sees nobody', async () => {
    const sim = world({
      authorize: (topic) => topic !== 'closed',
      presence: (topic, subject) => topic !== 'quiet' && { show: { name: subject } },
    })
    const socket = join(sim)
    expect(await Promise.all([sim.advance(1_000), outcome(presence(socket, 'quiet').enter())])).toContainEqual([
      'forbidden',
      'forbidden',
    ])
    const closed = outcome(presence(socket, 'closed').enter())
    const open = presence<null, { name: string }>(socket, 'open')
    void open.enter(null)
    open.members.subscribe(() => {})
    const own = outcome(socket.publish('livesocket.presence:open', { gone: [] }))
    await sim.advance(1_000)
    expect([await closed, await own]).toEqual([
      ['forbidden', 'forbidden'],
      ['forbidden', 'forbidden'],
    ])
    expect(open.members.getState()).toMatchObject([{ user: { name: 'user-2' } }])
  })

  it('is empty without the option', async () => {
    const sim = createSimulation()
    const entered = outcome(presence(join(sim), 'room').enter())
    await sim.advance(1_000)
    expect(await entered).toEqual(['refused', 'unknown-method'])
  })
})

describe('a request to a simulated server', () => {
  it('is answered later if its handler is slow, by the old leg of a deploy', async () => {
    const sim = createSimulation({
      onRequest: async (method) => {
        if (method === 'bug') throw new Error('a bug')
        await new Promise<void>((done) => void sim.clock.setTimeout(done, 800))
        return { data: method }
      },
    })
    const socket = join(sim)
    await sim.advance(500)
    const answers = [socket.request('slow'), socket.request('bug')].map(outcome)
    sim.deploy({ deadline: 3_000 })
    await sim.advance(2_000)
    expect(await Promise.all(answers)).toEqual(['slow', ['refused', 'error']])
    expect(socket.stats()).toMatchObject({ handovers: 1, reconnects: 0 })
    const lost = outcome(socket.request('slow'))
    await sim.advance(100)
    sim.crash()
    await sim.advance(500)
    expect(await lost).toEqual(['outcome-unknown', undefined])
  })
})

describe('a signal through simulated servers', () => {
  it('reaches the other subscribers of the topic once, even if two legs bring it', async () => {
    const sim = createSimulation({ servers: 2 })
    const [ann, bob, cyd] = [join(sim), join(sim), join(sim)]
    const heard: unknown[] = []
    for (const socket of [ann, bob]) socket.onSignal('room', (data) => heard.push(data))
    cyd.onSignal('other', (data) => heard.push(data))
    await sim.advance(500)
    sim.deploy({ deadline: 2_000 })
    for (let n = 0; n < 20; n++) {
      ann.signal('room', n)
      await sim.advance(50)
    }
    expect(heard).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })
})
