import { describe, expect, it, onTestFinished } from 'vitest'
import { reconnectNotice } from '../../src/presets/reconnect-notice.js'
import { foreignServer } from '../foreign/foreign-server.js'
import { until } from '../server/kit.js'
import { oneToLast, scripted, speaking } from './stage.js'

describe('a plain server that says {"type":"reconnect"}', () => {
  it.each(['by identity', 'by position'])(
    'loses, repeats and reorders nothing over handovers at 1,000 messages a second, %s',
    async (how) => {
      const server = await foreignServer({ perSecond: 1_000 })
      onTestFinished(() => server.close())
      const { socket, seen } = speaking(
        server.url,
        reconnectNotice(
          how === 'by position'
            ? { position: ({ id }) => ({ offset: id as number }) }
            : { identity: ({ id }) => String(id) },
        ),
      ).follow('data')
      socket.connect()
      await until(() => seen.length > 0, 'the first')
      for (let move = 1; move <= 20; move++) {
        server.askToMove()
        await until(() => socket.stats().handovers === move, `handover ${move}`)
      }
      const ids = seen.map((message) => (message as { id: number }).id)
      expect(ids).toEqual(oneToLast(ids))
    },
  )

  it('delivers everything that one connection brings about the same thing, and promises nothing if messages have no identity', async () => {
    const server = await scripted((frame, socket) => frame.includes('ping') && socket.send('{"type":"pong"}'))
    const { socket, seen } = speaking(server.url, reconnectNotice()).follow('data')
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    for (const price of [101, 102, 103]) server.tell({ id: 'ACME', price })
    await until(() => seen.length === 3, 'all of them')
    expect([
      reconnectNotice().merge,
      reconnectNotice({ identity: () => '1' }).merge,
      reconnectNotice({ numbered: true }).merge,
    ]).toEqual(['none', 'identity', 'position'])
  })

  it.each([false, true])(
    'sends the token first, and a new one if the server answers unauthorized (numbered: %s)',
    async (numbered) => {
      const server = await scripted((frame, socket, leg) => {
        if (frame.includes('"old"')) socket.send('{"type":"error","code":"unauthorized"}', () => socket.terminate())
        else if (frame.includes('ping') && leg > 0) socket.send('{"type":"pong"}')
      })
      let asked = 0
      const { socket } = speaking(server.url, reconnectNotice({ numbered }), {
        getToken: async () => (++asked === 1 ? 'old' : 'good'),
      }).follow('chat')
      socket.connect()
      await until(() => socket.store.getState().status === 'live', 'live')
      const greeting = server.legs.map(({ received }) => JSON.parse(received[0]!) as unknown)
      expect(greeting).toEqual(
        ['old', 'good'].map((token) =>
          numbered ? { type: 'hello', token, topics: { chat: {} } } : { type: 'auth', token },
        ),
      )
    },
  )

  it('accepts topics, url, deadline and spread from the server, and ignores values of the wrong type', async () => {
    const server = await scripted((frame, socket) => frame.includes('ping') && socket.send('{"type":"pong"}'))
    const { socket, seen, asked, invalid } = speaking(server.url, reconnectNotice()).follow('chat')
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    server.tell({ topic: 'chat', text: 'hi' })
    server.tell([1])
    server.tell({ type: 'reconnect', deadline: -1, spread: 'no', reason: 'deploy', url: server.url })
    await until(() => socket.stats().handovers === 1, 'the handover')
    expect([seen, invalid]).toEqual([[{ topic: 'chat', text: 'hi' }], []])
    expect(asked).toEqual([expect.objectContaining({ reason: 'deploy', deadline: 30_000, spread: 0 })])
  })

  it('ignores frames without a number if the server numbers its messages', async () => {
    const server = await scripted((frame, socket) => frame.includes('ping') && socket.send('{"type":"pong"}'))
    const { socket, seen, invalid } = speaking(server.url, reconnectNotice({ numbered: true })).follow('chat')
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    server.tell({ type: 'joined', topic: 'chat', name: 'ada' })
    server.tell({ topic: 'chat', epoch: 'a', offset: 7, data: 'hi' })
    server.tell({ topic: 'chat', epoch: 'a', offset: 8, data: 'you' })
    await until(() => seen.length === 2, 'the messages')
    expect([seen, invalid, socket.stats().gaps]).toEqual([['hi', 'you'], [], 0])
  })
})
