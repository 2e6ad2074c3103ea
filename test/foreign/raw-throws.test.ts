import { createLiveSocket, rawProtocol } from 'livesocket'
import { expect, it } from 'vitest'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { fakeWebSockets } from '../kit/fake-socket.js'

it.each(['lost', 'owes', 'opened', 'goodbye', 'closed', 'leave', 'unanswered', 'begins'] as const)(
  'a protocol whose `%s` throws comes back after a break, hands over and ends as any',
  async (name) => {
    const clock = createSimulatedClock()
    const { WebSocket, sockets } = fakeWebSockets()
    let throws = true
    const protocol = rawProtocol({
      message: (data) => ({ topic: 'a', data }),
      publish: ({ data }) => data as string,
      answer: () => null,
      [name]() {
        if (throws) throw new Error('of the application')
      },
      ...(name === 'opened' && { ready: () => true }),
    })
    const environment = { WebSocket, clock, random: () => 0.5 }
    const socket = createLiveSocket({ url: 'wss://a.test/', protocol, environment, reconnect: { spread: 1_000 } })
    const opens = async (number: number) => {
      const dialled = sockets[number - 1]!
      dialled.open()
      dialled.message('ready')
      await clock.advance(100)
    }
    socket.connect()
    await clock.flush()
    await opens(1)
    const outcome = socket.publish('a', 'mine').catch(({ code }: { code: string }) => code)
    sockets[0]!.end(1006)
    await clock.advance(5_000)
    throws = name !== 'begins'
    await opens(2)
    const handover = socket.handover()
    await clock.flush()
    await opens(3)
    await clock.advance(60_000)
    await handover
    expect(await outcome).toBe('outcome-unknown')
    expect(socket.store.getState().status).toBe('live')
    expect(sockets.flatMap(({ thrown }) => thrown)).toEqual([])
    socket.close()
    expect(clock.pending).toBe(0)
  },
)

it.each([
  ['throws', 'threw: Error'],
  ['gives nothing', 'threw: LiveSocketError'],
])(
  'a function for the options of each leg that %s is reported, and called again for the next leg',
  async (how, said) => {
    const clock = createSimulatedClock()
    const { WebSocket, sockets } = fakeWebSockets()
    let fails = false
    const protocol = rawProtocol(() => {
      if (fails && how === 'throws') throw new Error('of the application')
      return fails ? (undefined as never) : { message: (data) => ({ topic: 'a', data }) }
    })
    const told: string[] = []
    const environment = { WebSocket, clock, random: () => 0.5 }
    const socket = createLiveSocket({ url: 'wss://a.test/', protocol, environment, reconnect: { spread: 1_000 } })
    socket.on('invalid', ({ reason }) => void told.push(reason))
    socket.connect()
    await clock.flush()
    sockets[0]!.open()
    await clock.flush()
    expect(socket.store.getState().status).toBe('live')
    fails = true
    sockets[0]!.end(1006)
    await clock.advance(5_000)
    sockets[1]!.open()
    await clock.advance(60_000)
    fails = false
    for (const dialled of sockets.slice(2)) dialled.end(1006)
    await clock.advance(60_000)
    sockets.at(-1)!.open()
    await clock.flush()
    expect(told.join()).toContain(said)
    expect(socket.store.getState().status).toBe('live')
    socket.close()
    expect(clock.pending).toBe(0)
  },
)
