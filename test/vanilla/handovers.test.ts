import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { livesocketV1 } from '../../src/topics/livesocket-v1.js'
import { foreignServer, pings, words } from '../foreign/foreign-server.js'
import { liveServer, until } from '../server/kit.js'
import { happened, liveWebSocket } from './stage.js'

it('hands over under an application that sees a WebSocket: no event, no message lost, repeated or reordered, at 1,000 a second', async () => {
  const server = await foreignServer({ perSecond: 1_000 })
  onTestFinished(() => server.close())
  const seen: number[] = []
  const { socket, told } = liveWebSocket(server.url, [], {
    words: {
      handover: words.handover,
      ...pings,
      identity: ({ data }) => {
        const { id } = JSON.parse(String(data)) as { id?: number }
        return id === undefined ? null : String(id)
      },
    },
    handover: { dwell: 0 },
  })
  socket.onmessage = ({ data }) => {
    const { id } = JSON.parse(String(data)) as { id?: number }
    if (id !== undefined) seen.push(id)
  }
  await until(() => seen.length > 10, 'messages')
  for (let move = 1; move <= 20; move++) {
    server.askToMove()
    await until(() => socket.live.stats().handovers === move, `handover ${move}`)
  }
  const last = server.sent
  await until(() => seen.at(-1)! >= last, 'the last one')
  expect(seen).toEqual(Array.from(seen, (_, at) => seen[0]! + at))
  expect(told.filter((event) => !event.startsWith('message'))).toEqual(['open'])
})

it('speaks livesocket.v1, as one topic', async () => {
  const server = await liveServer()
  const { socket } = liveWebSocket(server.address(), [], { protocol: livesocketV1(), topic: 'chat' })
  await happened(socket, 'open')
  expect(socket.protocol).toBe('livesocket.v1')
  socket.send('hello')
  expect(await happened(socket, 'message')).toMatchObject({ data: 'hello' })
  await server.publish('chat', { from: 'ada' })
  expect(await happened(socket, 'message')).toMatchObject({ data: '{"from":"ada"}' })
  await socket.live.handover()
  await server.publish('chat', 'after the handover')
  expect(await happened(socket, 'message')).toMatchObject({ data: 'after the handover' })
})

it('reports in an error event that a JSON protocol cannot carry bytes', async () => {
  const server = await liveServer()
  const { socket } = liveWebSocket(server.address(), [], { protocol: livesocketV1(), topic: 'chat' })
  await happened(socket, 'open')
  socket.send(new Uint8Array(3))
  expect(await happened(socket, 'error')).toMatchObject({
    message: expect.stringContaining('binary') as string,
    error: { code: 'invalid' },
  })
})

it('can be created by a library, with the options of its class', async () => {
  const server = await foreignServer()
  onTestFinished(() => server.close())
  const { LiveWebSocket } = await import('../../src/vanilla/live-web-socket.js')
  const Ours = LiveWebSocket.with({ once: true, WebSocket })
  const socket = new Ours(server.url)
  await happened(socket, 'open')
  expect([Ours.OPEN, socket instanceof LiveWebSocket]).toEqual([1, true])
  for (const client of server.clients) client.close(1001)
  await happened(socket, 'close')
  expect(socket.readyState).toBe(3)
})
