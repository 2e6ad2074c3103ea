import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { metricsText } from '../../src/server/metrics.js'
import type { Metric } from '../../src/server/index.js'
import { liveServer } from './kit.js'

async function scrape(server: Awaited<ReturnType<typeof liveServer>>, more?: () => readonly Metric[]) {
  const http = createServer(server.metricsEndpoint(more)).listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(() => void http.close())
  const response = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/metrics`)
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

test('the metrics endpoint serves the metrics of a server in the format of Prometheus', async () => {
  const server = await liveServer()
  const client = await server.join({ session: 's', topics: { t: {} } })
  client.send({ type: 'publish', id: 'p', topic: 't', data: 1 })
  await client.next('ack')
  await client.next('message')
  const stranger = await server.client()
  stranger.send({ type: 'ping' })
  await stranger.closed
  const { type, text } = await scrape(server, () => [
    { name: 'app_rooms', help: 'Rooms.', type: 'gauge', samples: [{ value: 3 }] },
  ])
  expect(type).toContain('text/plain; version=0.0.4')
  for (const line of [
    '# TYPE livesocket_legs gauge',
    'livesocket_legs 1',
    'livesocket_topics 1',
    'livesocket_draining 0',
    'livesocket_publishes_total 1',
    'livesocket_messages_sent_total 1',
    'livesocket_legs_failed_total{code="protocol"} 1',
    'app_rooms 3',
  ])
    expect(text.split('\n')).toContain(line)
  for (const line of text.trim().split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"]*"\})? -?[\d.e+]+)$/)
})

test('livesocket_draining is 1 once a server drains', async () => {
  const server = await liveServer()
  await server.drain()
  expect((await scrape(server)).text).toContain('livesocket_draining 1')
})

test('backslashes, quotes and line breaks are escaped', () => {
  const text = metricsText([
    { name: 'x', help: 'a\\b\nc', type: 'counter', samples: [{ labels: { l: '"\\\n' }, value: 1 }] },
  ])
  expect(text).toBe('# HELP x a\\\\b\\nc\n# TYPE x counter\nx{l="\\"\\\\\\n"} 1\n')
})

test.each<[string, unknown]>([
  [
    'throw',
    () => {
      throw new Error('mine')
    },
  ],
  ['are null', () => null],
  ['come as a promise', () => Promise.reject(new Error('mine'))],
  ['have no samples', () => [{ name: 'x', help: 'x', type: 'gauge' }]],
  ['are no function', 'metrics'],
])(
  'metrics of the application that %s are answered with a 500 and reported, and the server goes on',
  async (_, more) => {
    const server = await liveServer()
    expect(await scrape(server, more as () => readonly Metric[])).toMatchObject({ status: 500 })
    expect(server.errors).toHaveLength(1)
    expect(await scrape(server)).toMatchObject({ status: 200 })
  },
)
