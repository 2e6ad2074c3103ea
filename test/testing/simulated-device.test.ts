import { describe, expect, it } from 'vitest'
import { createSimulation } from '../../src/testing/index.js'
import type { SimulatedTabs } from '../../src/testing/simulated-tabs.js'
import { createSimulatedTabs } from '../../src/testing/simulated-tabs.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

const HELLO = '{"type":"hello","session":"s","leg":1,"topics":{"room":{}}}'

async function setUp() {
  const sim = createSimulation({ heartbeat: 60_000 })
  const heard: [what: string, at: number][] = []
  const socket = new sim.environment.WebSocket(sim.url, ['livesocket.v1'])
  const note = (what: string) => heard.push([what, sim.environment.clock.monotonic()])
  socket.addEventListener('message', ({ data }) => note((JSON.parse(data as string) as { type: string }).type))
  socket.addEventListener('close', ({ code }) => note(`close ${code}`))
  await sim.advance(100)
  socket.send(HELLO)
  await sim.advance(100)
  heard.length = 0
  return { sim, socket, heard }
}

describe('a simulated WebSocket', () => {
  it.each<[string, (socket: typeof WebSocket) => unknown, string]>([
    ['a URL that does not parse', (Socket) => new Socket('wss://'), 'SyntaxError'],
    ['another scheme', (Socket) => new Socket('ftp://x.test'), 'SyntaxError'],
    ['a fragment', (Socket) => new Socket('wss://x.test/#part'), 'SyntaxError'],
    ['a subprotocol twice', (Socket) => new Socket('wss://x.test', ['a', 'a']), 'SyntaxError'],
    ['a send before it is open', (Socket) => new Socket('wss://x.test').send('x'), 'InvalidStateError'],
    ['a close code that a page may not use', (Socket) => new Socket('wss://x.test').close(1001), 'InvalidAccessError'],
    [
      'a close reason over 123 bytes',
      (Socket) => new Socket('wss://x.test').close(1000, 'é'.repeat(62)),
      'SyntaxError',
    ],
  ])('refuses %s as a browser does', (_, act, name) => {
    expect(() => act(createSimulation().environment.WebSocket)).toThrow(expect.objectContaining({ name }))
  })

  it('goes through the states of the standard, and drops what arrives after close()', async () => {
    const { sim, socket, heard } = await setUp()
    expect([socket.readyState, socket.protocol, socket.url]).toEqual([1, 'livesocket.v1', sim.url])
    sim.publish('room', 1)
    socket.close(3001, 'bye')
    expect(socket.readyState).toBe(socket.CLOSING)
    socket.send('into the void')
    expect(socket.bufferedAmount).toBe(13)
    await sim.advance(100)
    expect([socket.readyState, heard]).toEqual([3, [['close 3001', 220]]])
    expect(sim.servers[0]!.legs).toBe(0)
  })

  it('fails without reaching a server if it is closed before it is open, and ends on its own if its handshake fails', async () => {
    const { sim, socket, heard } = await setUp()
    const early = new sim.environment.WebSocket(sim.url, 'livesocket.v1')
    const codes: number[] = []
    early.onclose = ({ code }) => codes.push(code)
    early.close()
    sim.freeze()
    socket.close()
    await sim.advance(2_000)
    expect([codes, heard]).toEqual([[1006], [['close 1006', 2_200]]])
  })

  it('gives each frame a task of its own, and promises run between them', async () => {
    const { sim, socket } = await setUp()
    const order: string[] = []
    socket.onmessage = ({ data }) => {
      const { offset } = JSON.parse(data as string) as { offset: number }
      order.push(`message ${offset}`)
      void Promise.resolve().then(() => order.push(`promise ${offset}`))
    }
    sim.publish('room', 'a')
    sim.publish('room', 'b')
    await sim.advance(100)
    expect(order).toEqual(['message 1', 'promise 1', 'message 2', 'promise 2'])
  })
})

describe('a simulated device', () => {
  it('keeps frames in a frozen path in order until it thaws, and shows what has not been sent', async () => {
    const { sim, socket, heard } = await setUp()
    sim.freeze('down')
    sim.publish('room', 1)
    socket.send('{"type":"ping"}')
    expect(socket.bufferedAmount).toBe(0)
    sim.freeze('up')
    socket.send('{"type":"ping"}')
    await sim.advance(1_000)
    expect([socket.bufferedAmount, heard]).toEqual([15, []])
    sim.thaw()
    await sim.advance(100)
    expect([socket.bufferedAmount, heard.map(([what]) => what)]).toEqual([0, ['message', 'pong', 'pong']])
  })

  it('offline, dials fail at once and open connections are silent; online, they continue', async () => {
    const { sim, heard } = await setUp()
    const hints: string[] = []
    sim.environment.network.subscribe((hint) => hints.push(hint))
    sim.offline()
    sim.publish('room', 1)
    const socket = new sim.environment.WebSocket(sim.url)
    await sim.advance(50)
    expect([socket.readyState, heard, sim.environment.network.online()]).toEqual([3, [], false])
    sim.online()
    await sim.advance(50)
    expect([heard.map(([what]) => what), hints]).toEqual([['message'], ['offline', 'online']])
  })

  it('after a change of network old connections stay dead and new ones work', async () => {
    const { sim, heard } = await setUp()
    sim.changeNetwork()
    sim.thaw()
    sim.publish('room', 1)
    const socket = new sim.environment.WebSocket(sim.url, 'livesocket.v1')
    await sim.advance(50)
    expect([heard, socket.readyState]).toEqual([[], 1])
  })

  it('asleep, it receives and does nothing, and its monotonic clock stops while the wall clock continues', async () => {
    const { sim, heard } = await setUp()
    const { clock } = sim.environment
    const [wall, ran] = [clock.now(), [] as number[]]
    clock.setTimeout(() => ran.push(clock.monotonic()), 1_000)
    sim.sleep()
    sim.publish('room', 1)
    await sim.advance(30_000)
    expect([heard, ran, clock.monotonic(), clock.now() - wall]).toEqual([[], [], 200, 30_000])
    sim.wake()
    await sim.advance(1_000)
    expect([heard, ran]).toEqual([[['message', 210]], [1_200]])
    sim.setWall(5)
    await sim.advance(10)
    expect(clock.now()).toBe(15)
  })

  it('its page can be hidden and shown without an effect on other devices', async () => {
    const sim = createSimulation()
    const other = sim.device()
    const changes: string[] = []
    sim.environment.page.subscribe((change) => changes.push(change))
    other.hide()
    sim.hide()
    sim.show()
    expect([changes, other.environment.page.hidden(), sim.environment.page.hidden()]).toEqual([
      ['hidden', 'shown'],
      true,
      false,
    ])
  })
})

describe('simulated tabs', () => {
  const open = (tabs: SimulatedTabs) => tabs.open().join('group')

  it('send to the other tabs and never to themselves, and nothing after they have left', async () => {
    const clock = createSimulatedClock()
    const tabs = createSimulatedTabs(clock)
    const [one, two, three] = [open(tabs), open(tabs), tabs.open().join('another group')]
    const heard: unknown[] = []
    for (const [name, tab] of Object.entries({ one, two, three })) tab.listen((message) => heard.push([name, message]))
    one.post({ hello: 1 })
    await clock.advance(2)
    two.leave()
    one.post('again')
    two.post('from one that left')
    await clock.advance(2)
    expect(heard).toEqual([['two', { hello: 1 }]])
    one.write('n', 7)
    expect([open(tabs).read('n'), three.read('n')]).toEqual([7, 0])
  })

  it('take turns; a tab that gives up is skipped', async () => {
    const clock = createSimulatedClock()
    const tabs = createSimulatedTabs(clock)
    const [one, two, three] = [open(tabs), open(tabs), open(tabs)]
    const order: string[] = []
    const began = clock.monotonic()
    const never = new AbortController().signal
    const patience = new AbortController()
    const work = (name: string) => () => {
      order.push(`${name} at ${clock.monotonic() - began}`)
      return new Promise<string>((resolve) => void clock.setTimeout(() => resolve(name), 10))
    }
    const turns = [
      one.exclusively(work('one'), never),
      two.exclusively(work('two'), patience.signal),
      three.exclusively(work('three'), never),
    ]
    const outcomes = Promise.allSettled(turns)
    patience.abort('no patience')
    await clock.advance(20)
    expect(
      (await outcomes).map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as string))),
    ).toEqual(['one', 'no patience', 'three'])
    expect(order).toEqual(['one at 0', 'three at 10'])
  })
})
