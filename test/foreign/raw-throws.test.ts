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
