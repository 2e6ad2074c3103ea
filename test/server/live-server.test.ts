import { expect, test } from 'vitest'
import { liveServer } from './kit.js'

test('a client that says hello is welcomed, with what the server allows and where each topic stands', async () => {
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

test('what is published reaches those who subscribed, and its publisher is told the offset', async () => {
  const server = await liveServer()
  const reader = await server.join({ topics: { news: {} } })
  const writer = await server.join()
  writer.send({ type: 'publish', id: 'p1', topic: 'news', data: { text: 'hello' } })
  expect(await writer.next('ack')).toEqual({ type: 'ack', id: 'p1', offset: 1 })
  expect(await reader.next('message')).toEqual({ type: 'message', topic: 'news', offset: 1, data: { text: 'hello' } })
  expect(await server.publish('news', null)).toEqual({ epoch: expect.any(String), offset: 2 })
  expect(await reader.next('message')).toEqual({ type: 'message', topic: 'news', offset: 2, data: null })
})
