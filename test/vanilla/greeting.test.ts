import { describe, expect, it } from 'vitest'
import { until } from '../server/kit.js'
import { happened, liveWebSocket, serverSide } from './stage.js'

/**
 * A server that serves only clients that have greeted it: it answers `hi` and everything after it, and sends ticks to
 * clients that asked for them.
 */
async function shy() {
  const server = await serverSide()
  const served = new Set<number>()
  server.server.on('connection', (socket) => {
    const mine = server.sockets.length - 1
    socket.on('message', (data) => {
      const text = String(data)
      if (text === 'hi') served.add(mine)
      if (text !== 'quiet') socket.send(`${text} to you`)
    })
  })
  return { ...server, served, tell: (text: string) => served.forEach((leg) => server.sockets[leg]!.send(text)) }
}

describe('a handover that the application does not see', () => {
  it.each([true, false])(
    'repeats what it sent between open and the first answer, and does not deliver that answer twice (once: %s)',
    async (once) => {
      const server = await shy()
      const { socket, told } = liveWebSocket(server.url, [], { once, handover: { dwell: 0 } })
      await happened(socket, 'open')
      socket.send('hi')
      await happened(socket, 'message')
      await socket.live.handover()
      server.tell('tick')
      await until(() => told.includes('message tick'), 'the tick')
      expect(told).toEqual(['open', 'message hi to you', 'message tick'])
      expect(server.received).toEqual(['hi', 'hi'])
    },
  )

  it('sends nothing if nothing was sent', async () => {
    const server = await shy()
    const { socket, told } = liveWebSocket(server.url, [], { once: true, handover: { dwell: 0 } })
    await happened(socket, 'open')
    await socket.live.handover()
    expect([told, server.received, server.sockets.length]).toEqual([['open'], [], 2])
  })

  it('sends only the result of `hello`', async () => {
    const server = await shy()
    const { socket, told } = liveWebSocket(server.url, [], { words: { hello: () => 'hi' }, handover: { dwell: 0 } })
    await happened(socket, 'open')
    socket.send('more')
    await until(() => told.length === 3, 'the answers')
    await socket.live.handover()
    await until(() => server.received.length === 3, 'the greeting')
    expect(server.received).toEqual(['hi', 'more', 'hi'])
    expect(told.filter((event) => /close|open/.test(event))).toEqual(['open'])
  })
})

it('sends the result of `hello` before buffered messages, and messages of an `open` listener after them', async () => {
  const server = await shy()
  const { socket } = liveWebSocket(server.url, [], { words: { hello: () => 'hi' } })
  socket.addEventListener('open', () => socket.send('opened'))
  socket.send('early')
  await until(() => server.received.length === 3, 'the first connection')
  server.sockets[0]!.terminate()
  await happened(socket, 'close')
  socket.send('meanwhile')
  await until(() => server.received.length === 6, 'the second one')
  expect(server.received).toEqual(['hi', 'early', 'opened', 'hi', 'meanwhile', 'opened'])
})

describe('an application that has sent more than a greeting', () => {
  it('sees a close, so that a library with one socket for each connection greets the next server', async () => {
    const server = await shy()
    const { socket, told } = liveWebSocket(server.url, [], { once: true, handover: { dwell: 0 } })
    await happened(socket, 'open')
    socket.send('hi')
    await happened(socket, 'message')
    socket.send('quiet')
    await until(() => server.received.length === 2, 'both')
    void socket.live.handover().catch(() => undefined)
    await happened(socket, 'close')
    expect(told.at(-1)).toBe('close 1012 handed over to a server that has to be greeted anew clean')
    expect(socket.readyState).toBe(3)
  })

  it('sees a close and at once an open if the socket continues, and greets the new server', async () => {
    const server = await shy()
    const { socket, told } = liveWebSocket(server.url, [], { handover: { dwell: 0 } })
    socket.onopen = () => socket.send('hi')
    await happened(socket, 'message')
    socket.send('more')
    await until(() => told.length === 3, 'both answers')
    await socket.live.handover()
    await until(() => server.served.has(1), 'the greeting')
    server.tell('tick')
    await until(() => told.includes('message tick'), 'the tick')
    expect(told.filter((event) => /close|open/.test(event))).toEqual([
      'open',
      'close 1012 handed over to a server that has to be greeted anew clean',
      'open',
    ])
  })
})

it('receives the pongs of its own pings, and no others', async () => {
  const server = await serverSide()
  server.server.on('connection', (socket) =>
    socket.on('message', (data) => socket.send(String(data) === 'ping' ? 'pong' : 'other')),
  )
  const { socket, told } = liveWebSocket(server.url, [], {
    words: { ping: () => 'ping', pong: (data) => data === 'pong' },
    heartbeat: { interval: 40, timeout: 1_000 },
  })
  await happened(socket, 'open')
  socket.send('ping')
  await until(() => told.includes('message pong'), 'its pong')
  await until(() => server.received.length > 4, 'pings of the heartbeat')
  expect(told).toEqual(['open', 'message pong'])
})
