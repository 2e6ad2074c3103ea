import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { memoryLog } from '../../src/server/index.js'
import { liveServer } from './kit.js'

/** A server that has welcomed a leg, sent it one message, and handed it over. */
async function busyServer(registry: Registry) {
  const server = await liveServer({ registry, log: memoryLog() })
  const client = await server.join({ session: 's', topics: { t: {} } })
  client.send({ type: 'publish', id: 'p', topic: 't', data: 1 })
  await client.next('message')
  await client.next('ack')
  const drained = server.drain()
  await client.next('handover')
  client.close()
  await drained
  return server
}

describe('a registry of prom-client', () => {
  test.each([
    ['as Prometheus reads it', Registry.PROMETHEUS_CONTENT_TYPE],
    ['as OpenMetrics', Registry.OPENMETRICS_CONTENT_TYPE],
  ] as const)('has the metrics of the server beside those of the application, %s', async (_, type) => {
    const registry = new Registry()
    registry.setContentType(type as never)
    registry.setDefaultLabels({ app: 'chat' })
    await busyServer(registry)
    for (const again of ['first', 'second']) {
      const lines = (await registry.metrics()).split('\n')
      for (const line of [
        'livesocket_legs{app="chat"} 0',
        'livesocket_publishes_total{app="chat"} 1',
        '# TYPE livesocket_delivery_seconds histogram',
        'livesocket_delivery_seconds_bucket{le="+Inf",app="chat"} 1',
        'livesocket_delivery_seconds_count{app="chat"} 1',
        'livesocket_greeting_seconds_count{app="chat"} 1',
        'livesocket_handover_seconds_count{app="chat"} 1',
      ])
        expect(lines, again).toContain(line)
    }
    const { values, aggregator } = (await registry.getMetricsAsJSON()).find(({ name }) =>
      name.includes('legs_welcomed'),
    )!
    expect([values[0]?.value, aggregator]).toEqual([1, 'sum'])
  })

  test('loses the metrics of a server that closes, so that another server can take its place', async () => {
    const registry = new Registry()
    const server = await liveServer({ registry })
    await server.close()
    expect(registry.getMetricsAsArray()).toEqual([])
    await liveServer({ registry })
    expect(registry.getMetricsAsArray().length).toBeGreaterThan(20)
  })

  test('takes one server: a second one is refused at once, and the metrics of the first stay', async () => {
    const registry = new Registry()
    await liveServer({ registry })
    const before = registry.getMetricsAsArray()
    await expect(liveServer({ registry })).rejects.toThrow('livesocket_connections has already been registered')
    expect(registry.getMetricsAsArray()).toEqual(before)
  })

  test('that throws when metrics are removed does not keep the server from closing', async () => {
    const registry = new Registry()
    const server = await liveServer({ registry })
    const leg = await server.join()
    registry.removeSingleMetric = () => {
      throw new Error('boom')
    }
    await server.close()
    expect(await leg.closed).toMatchObject({ code: 1012 })
    expect(server.errors.length).toBeGreaterThan(20)
  })

  test('that is not a registry is refused by name', async () => {
    await expect(liveServer({ registry: {} as never })).rejects.toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringContaining('registry must be') }),
    )
  })
})
