import { createServer, type Server } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLiveServer, memoryLog, type TopicLog } from '../../src/server/index.js'
import { createSimulatedClock, liveServer } from './kit.js'

test('a client that says hello is welcomed with the limits of the server and the head of each topic', async () => {
  const server = await liveServer({
    id: 'blue',
    heartbeat: 5_000,
    reconnectSpread: 4_000,
    limits: { maxFrame: 10_000 },
    authenticate: () => ({ tokenTtl: 600_000 }),
  })
  await server.publish('news', 'first')
  const client = await server.client()
  expect(await client.hello({ topics: { news: {}, quiet: {} } })).toEqual({
    type: 'welcome',
    server: 'blue',
    topics: {
      news: { epoch: expect.any(String), offset: 1, after: 1 },
      quiet: { epoch: expect.any(String), offset: 0, after: 0 },
    },
    heartbeat: 5_000,
    tokenTtl: 600_000,
    maxFrame: 10_000,
    reconnectSpread: 4_000,
  })
})

test('a published message reaches its subscribers, and its publisher gets the offset', async () => {
  const server = await liveServer()
  const reader = await server.join({ topics: { news: {} } })
  const writer = await server.join()
  writer.send({ type: 'publish', id: 'p1', topic: 'news', data: { text: 'hello' } })
  expect(await writer.next('ack')).toEqual({ type: 'ack', id: 'p1', offset: 1 })
  expect(await reader.next('message')).toEqual({ type: 'message', topic: 'news', offset: 1, data: { text: 'hello' } })
  expect(await server.publish('news', null)).toEqual({ epoch: expect.any(String), offset: 2 })
  expect(await reader.next('message')).toEqual({ type: 'message', topic: 'news', offset: 2, data: null })
})

describe('a server that cannot be created leaves nothing behind', () => {
  const taken = {
    registerMetric() {
      throw new Error('taken')
    },
    removeSingleMetric: () => undefined,
  }
  test.each<[string, object]>([
    ['its registry refuses its metrics', { registry: taken }],
    ['another server has its path', { path: '/taken' }],
    ['tellPublisher is invalid', { tellPublisher: 'name' }],
    ['reconnectSpread is invalid', { reconnectSpread: 'wide' }],
    ['the port is invalid', { server: undefined, port: 70_000 }],
  ])('where %s', async (_, wrong) => {
    const http = createServer()
    const clock = createSimulatedClock()
    await liveServer({ server: await listening(http), path: '/taken' })
    const before = http.listenerCount('upgrade')
    let joined = 0
    const shared = memoryLog()
    const log: TopicLog = {
      ...shared,
      news(listener) {
        const channel = shared.news!(listener)
        joined++
        return { ...channel, leave: () => (joined--, channel.leave()) }
      },
    }
    const options = { server: http, path: '/', clock, log, presence: () => true, authenticate: () => ({}), ...wrong }
    expect(() => createLiveServer(options as never)).toThrow()
    expect([clock.pending, joined, http.listenerCount('upgrade')]).toEqual([0, 0, before])
    await liveServer({ server: http, path: '/' })
  })
})

async function listening(http: Server): Promise<Server> {
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void (http.closeAllConnections(), http.close()))
  return http
}
