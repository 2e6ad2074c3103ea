import { describe, expect, it, onTestFinished } from 'vitest'
import { reconnectNotice } from '../../src/presets/reconnect-notice.js'
import { foreignServer } from '../protocol/foreign-server.js'
import { until } from '../server/kit.js'
import { oneToLast, scripted, speaking } from './stage.js'

describe('a plain server that says {"type":"reconnect"}', () => {
  it.each(['by identity', 'by position'])('loses, repeats and reorders nothing over moves at 1,000 messages a second, %s', async (how) => {
    const server = await foreignServer({ perSecond: 1_000 })
    onTestFinished(() => server.close())
    const { socket, seen } = speaking(server.url, reconnectNotice(how === 'by position' ? { position: ({ id }) => ({ offset: id as number }) } : {})).follow('data')
    socket.connect()
    await until(() => seen.length > 0, 'the first')
    for (let move = 1; move <= 20; move++) {
      server.askToMove()
      await until(() => socket.stats().handovers === move, `move ${move}`)
    }
    const ids = seen.map((message) => (message as { id: number }).id)
    expect(ids).toEqual(oneToLast(ids))
  })

  it('takes topics, url, deadline and spread from what the server says, and nothing that is not what it must be', async () => {
    const server = await scripted((frame, socket) => frame.includes('ping') && socket.send('{"type":"pong"}'))
    const { socket, seen, asked, invalid } = speaking(server.url, reconnectNotice()).follow('chat')
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    server.tell({ topic: 'chat', text: 'hi' })
    server.tell([1])
    server.tell({ type: 'reconnect', deadline: -1, spread: 'no', reason: 'deploy', url: server.url })
    await until(() => socket.stats().handovers === 1, 'the move')
    expect([seen, invalid]).toEqual([[{ topic: 'chat', text: 'hi' }], []])
    expect(asked).toEqual([expect.objectContaining({ reason: 'deploy', deadline: 30_000, spread: 0 })])
  })

  it('takes what bears no number for no message, where the server numbers', async () => {
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
