import { createLiveSocket, type LiveSocket } from 'livesocket'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { Refused } from '../../../src/server/index.js'
import { createSimulatedClock, liveServer, until } from '../kit.js'

/** A client, and how many frames go each way. */
function counted(url: string) {
  const frames = { sent: 0, received: 0 }
  class Counting extends WebSocket {
    constructor(address: string, protocols?: string[]) {
      super(address, protocols)
      this.on('message', () => frames.received++)
    }
    override send(data: string) {
      frames.sent++
      super.send(data)
    }
  }
  const socket: LiveSocket = createLiveSocket({ url, environment: { WebSocket: Counting } })
  onTestFinished(() => socket.close())
  return { socket, frames }
}

const subscribe = (socket: LiveSocket, from: number, to: number, onError?: (error: unknown) => void) => {
  for (let at = from; at < to; at++)
    socket.subscribe(`topic-${at}`, () => {}, onError === undefined ? undefined : { onError })
}

test('a client gets a thousand topics, and an error that names the limit for one more', async () => {
  const server = await liveServer()
  const { socket } = counted(server.address())
  const refused: unknown[] = []
  subscribe(socket, 0, 1_001, (error) => void refused.push(error))
  socket.connect()
  await until(() => refused.length > 0 && server.stats().topics === 1_000, 'all are served but one')
  expect(refused).toMatchObject([{ code: 'refused', reason: 'limit', topic: 'topic-1000' }])
  expect((refused[0] as Error).message).toMatch('1000 topics (limits.maxTopics)')
  expect(socket.topicStatus('topic-999').getState()).toBe('live')
})

test('a client that asks for ten times as many topics as it may have is live with those within the limit', async () => {
  const server = await liveServer()
  const { socket } = counted(server.address())
  let refused = 0
  subscribe(socket, 0, 10_000, () => refused++)
  socket.connect()
  await until(() => refused === 9_000 && socket.store.getState().status === 'live', 'it is live')
  expect(server.stats()).toMatchObject({ topics: 1_000, failed: {} })
})

const name = (at: number) => `a topic with a name of about the length that people give them, number ${at}`

test.each([1_024, 4_096, 262_144])(
  'with a maxFrame of %s, 2,000 topics are subscribed, handed over and unsubscribed in frames that the server accepts',
  async (maxFrame) => {
    const server = await liveServer({ limits: { maxTopics: 2_000, maxFrame } })
    const { socket, frames } = counted(server.address())
    const heard: unknown[] = []
    const undo = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => socket.subscribe(name(from + at), (data) => void heard.push(data)))
    const served = (topics: number) =>
      until(() => server.stats().topics === topics && socket.store.getState().status === 'live', `${topics} served`)
    const early = undo(0, 1_000)
    socket.connect()
    await served(1_000)
    const late = undo(1_000, 2_000)
    await served(2_000)
    await server.publish(name(1_999), 'first')
    await until(() => heard.length === 1, 'the first is heard')
    await socket.handover()
    await server.publish(name(999), 'second')
    await server.publish(name(1_999), 'third')
    await until(() => heard.length === 3, 'all are heard')
    expect(heard).toEqual(['first', 'second', 'third'])
    expect(server.stats().failed).toEqual({})
    expect(socket.store.getState().leg?.number).toBe(2)
    frames.sent = 0
    for (const end of [...early, ...late]) end()
    await until(() => server.stats().topics === 0, 'none is left')
    expect(frames.sent).toBeLessThanOrEqual(Math.ceil((2_000 * 100) / (maxFrame - 256)))
  },
)

test('ten thousand topics of a new leg cost two frames each way', async () => {
  const server = await liveServer({ limits: { maxTopics: 10_000 } })
  const { socket, frames } = counted(server.address())
  subscribe(socket, 0, 10_000)
  socket.connect()
  await until(() => server.stats().topics === 10_000 && socket.store.getState().status === 'live', 'all are served')
  await until(() => socket.topicStatus('topic-9999').getState() === 'live', 'the client knows it')
  expect(frames).toEqual({ sent: 2, received: 2 })
})

test('ten thousand topics subscribed on a live leg cost one frame each way, ahead of the publish that follows', async () => {
  const server = await liveServer({ limits: { maxTopics: 10_000 }, authorize: () => true })
  const { socket, frames } = counted(server.address())
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'it is live')
  const before = { ...frames }
  subscribe(socket, 0, 10_000)
  const heard: unknown[] = []
  socket.subscribe('topic-9999', (data) => void heard.push(data))
  await socket.publish('topic-9999', 'said next')
  await until(() => heard.length > 0, 'it is heard')
  expect(heard).toEqual(['said next'])
  expect(server.stats().topics).toBe(10_000)
  // Then come the publish, its answer and its message.
  expect(frames).toEqual({ sent: before.sent + 2, received: before.received + 3 })
})

describe('a client that does not read its refusals', () => {
  /** A server that greets one hello at a time, and refuses more topics than all buffers on the way hold. */
  async function refusing() {
    const clock = createSimulatedClock()
    const server = await liveServer({
      clock,
      limits: { maxAuthenticating: 1, maxTopics: 4_000, helloTimeout: 10_000 },
      authorize: () => {
        throw new Refused('members-only', 'x'.repeat(4_000))
      },
    })
    const client = await server.client()
    client.ws.pause()
    const topics = Object.fromEntries(Array.from({ length: 4_000 }, (_, at) => [`topic-${at}`, {}]))
    client.send({ type: 'hello', session: 'many', leg: 1, topics })
    return { clock, server, client }
  }

  test('delays no other client, and is closed as too slow', async () => {
    const { clock, server } = await refusing()
    await server.join()
    expect(server.stats().admission).toMatchObject({ greeting: 0, waiting: 0 })
    await clock.advance(10_000)
    expect(server.stats().failed).toEqual({ 'too-slow': 1 })
  })

  test('is welcomed once it has read them, however slowly', async () => {
    const { clock, server, client } = await refusing()
    await server.join()
    for (const read of [800, 1_600]) {
      await clock.advance(9_000)
      client.ws.resume()
      await until(() => client.frames.length >= read, 'some of it is read')
      client.ws.pause()
    }
    client.ws.resume()
    await client.next('welcome')
    expect(client.of('error')).toHaveLength(4_000)
    expect(server.stats().failed).toEqual({})
  })
})
