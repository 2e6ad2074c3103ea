import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { PublishRefused, RequestRefused, type LiveServerOptions } from '../../src/server/index.js'
import { openTelemetry } from '../../src/server/opentelemetry/index.js'
import { liveServer, until } from './kit.js'

beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()))
afterAll(() => context.disable())

async function traced(options: Partial<LiveServerOptions<{ subject?: string }>> = {}) {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  onTestFinished(() => provider.shutdown())
  const server = await liveServer({ tracing: openTelemetry(provider), ...options })
  const client = await server.join({ session: 's', token: 'secret', topics: { t: {} } })
  const spans = () => exporter.getFinishedSpans()
  return { server, client, provider, spans }
}

const told = ({ name, attributes, status }: ReadableSpan) => ({
  name,
  ...attributes,
  failed: status.code === SpanStatusCode.ERROR,
})

describe('with OpenTelemetry', () => {
  test('a publish is a span with its outcome, and without its data and its user', async () => {
    const { client, spans } = await traced({
      onPublish({ data }) {
        if (data === 'private no') throw new PublishRefused('rude', 'Not here.')
        if (data === 'private bug') throw new Error('a bug')
      },
    })
    for (const [at, data] of ['private', 'private no', 'private bug'].entries())
      client.send({ type: 'publish', id: `p${at}`, topic: 't', data })
    await until(() => spans().length === 3, 'all is told')
    const about = {
      name: 'livesocket.publish',
      'livesocket.topic': 't',
      'livesocket.session': 's',
      'livesocket.repeat': false,
    }
    expect(spans().map(told)).toEqual([
      { ...about, 'livesocket.outcome': 'ack', failed: false },
      { ...about, 'livesocket.outcome': 'rude', failed: false },
      { ...about, 'livesocket.outcome': 'error', failed: true },
    ])
    expect(JSON.stringify(spans().map(told))).not.toMatch(/private|secret|anybody/)
  })

  test('a span that a handler starts is a child of the span of its request', async () => {
    const { client, provider, spans } = await traced({
      onRequest: {
        async order() {
          await new Promise<void>((resolve) => void setImmediate(resolve))
          provider.getTracer('database').startSpan('insert').end()
          throw new RequestRefused('sold-out', 'Nothing is left.')
        },
      },
    })
    client.send({ type: 'request', id: 'r', method: 'order' })
    await client.next('nack')
    const [insert, request] = spans()
    expect(told(request!)).toEqual({
      name: 'livesocket.request',
      'livesocket.method': 'order',
      'livesocket.session': 's',
      'livesocket.outcome': 'sold-out',
      failed: false,
    })
    expect(insert).toMatchObject({ name: 'insert', parentSpanContext: { spanId: request!.spanContext().spanId } })
  })

  test('a handover is a span with its outcome: handed-over, forced or cancelled', async () => {
    const { server, client, spans } = await traced()
    const taken = new AbortController()
    const back = server.drain({ signal: taken.signal })
    await client.next('handover')
    taken.abort()
    await back
    const stays = await server.join({ session: 'stays' })
    const drained = server.drain({ deadline: 200, reason: 'deploy' })
    await stays.next('handover')
    client.close()
    await drained
    const outcomes = spans().map((span) => {
      const { name, failed, ...attributes } = told(span) as Record<string, unknown>
      return [name, attributes['livesocket.session'], attributes['livesocket.outcome'], failed]
    })
    expect(outcomes).toEqual([
      ['livesocket.handover', 's', 'cancelled', false],
      ['livesocket.handover', 's', 'handed-over', false],
      ['livesocket.handover', 'stays', 'forced', true],
    ])
  })

  test('spans go to the global provider, also where that is registered after the server was made', async () => {
    const server = await liveServer({ tracing: openTelemetry() })
    const client = await server.join({ topics: { t: {} } })
    const exporter = new InMemorySpanExporter()
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
    onTestFinished(() => trace.disable())
    client.send({ type: 'publish', id: 'p', topic: 't', data: 1 })
    await client.next('ack')
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['livesocket.publish'])
  })

  test('an invalid tracing option is refused by name', async () => {
    await expect(liveServer({ tracing: openTelemetry as never })).rejects.toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringContaining('tracing must be') }),
    )
  })
})

test('tracing that throws at every call is reported, and publishes, requests and drains work all the same', async () => {
  const fails = () => {
    throw new Error('mine')
  }
  const seen: unknown[] = []
  for (const tracing of [
    { begin: fails },
    { begin: () => ({ run: fails, end: fails }) },
    { begin: () => ({ run: <Result>(task: () => Result) => (task(), fails()), end: fails }) },
  ]) {
    const server = await liveServer({ tracing, onRequest: { add: () => 1 }, onPublish: ({ id }) => void seen.push(id) })
    const client = await server.join({ session: 's', topics: { t: {} } })
    client.send({ type: 'publish', id: `p${seen.length}`, topic: 't', data: 1 })
    expect(await client.next('ack')).toMatchObject({ offset: 1 })
    client.send({ type: 'request', id: 'r', method: 'add' })
    expect(await client.next('ack')).toMatchObject({ id: 'r', data: 1 })
    void server.drain()
    await client.next('handover')
    client.ws.close()
    await until(() => server.stats().legs === 0, 'it has handed over')
    expect(server.errors.length).toBeGreaterThan(2)
  }
  expect(seen).toEqual(['p0', 'p1', 'p2'])
})
