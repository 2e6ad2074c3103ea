import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { createLiveSocket } from 'livesocket'
import { createSimulation, type SimulationOptions } from 'livesocket/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { history } from '../../src/history/index.js'
import { openTelemetry } from '../../src/opentelemetry/index.js'
import { livesocketV1 } from '../../src/topics/livesocket-v1.js'
import { LiveWebSocket } from '../../src/vanilla/live-web-socket.js'

function exporting() {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  onTestFinished(() => provider.shutdown())
  return { provider, spans: () => exporter.getFinishedSpans() }
}

async function traced(options: SimulationOptions = {}) {
  const sim = createSimulation(options)
  const socket = createLiveSocket<Record<string, unknown>, Record<string, () => unknown>>({
    url: sim.url,
    environment: sim.environment,
    getToken: sim.getToken,
    reconnect: { spread: 500 },
  })
  onTestFinished(() => socket.close())
  const { provider, spans } = exporting()
  const undo = openTelemetry(socket, provider)
  socket.connect()
  await sim.advance(500)
  return { sim, socket, provider, spans, undo }
}

const told = ({ name, kind, attributes, status, events }: ReadableSpan) => ({
  name,
  kind,
  ...attributes,
  failed: status.code === SpanStatusCode.ERROR,
  events: events.map((event) => event.name),
})
const quietly = (outcome: Promise<unknown>) => outcome.catch(() => undefined)

describe('a live socket with OpenTelemetry', () => {
  test('has a span for each publish, with its outcome and without its data', async () => {
    const { sim, socket, spans } = await traced({
      onPublish: (_, data): { data?: unknown } | { refuse: { code: string } } =>
        data === 'private no' ? { refuse: { code: 'rude' } } : {},
    })
    for (const data of ['private', 'private no']) void quietly(socket.publish('room', data))
    await sim.advance(500)
    sim.servers[0]!.acks = false
    void quietly(socket.publish('room', 'private last'))
    await sim.advance(500)
    socket.close()
    await sim.advance(500)
    const about = { name: 'livesocket.publish', kind: SpanKind.PRODUCER, 'livesocket.topic': 'room', events: [] }
    expect(spans().map(told)).toEqual([
      { ...about, 'livesocket.outcome': 'ack', failed: false },
      { ...about, 'livesocket.outcome': 'rude', failed: false },
      { ...about, 'livesocket.outcome': 'outcome-unknown', failed: true },
    ])
    expect(JSON.stringify(spans().map(told))).not.toMatch(/private|token-|live\.test/)
  })

  test('has a span for each request, within the span that is active at the call', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    onTestFinished(() => context.disable())
    const { sim, socket, provider, spans } = await traced({
      onRequest: (method) => {
        if (method === 'order') return { refuse: { code: 'sold-out' } }
        if (method === 'price') return { data: 12 }
        throw new Error('a bug')
      },
    })
    const click = provider.getTracer('page').startSpan('click')
    const asked = context.with(trace.setSpan(context.active(), click), () =>
      ['order', 'price', 'bug'].map((method) => socket.request(method).then(String, String)),
    )
    void quietly(history(socket, 'room', { limit: 1 }))
    await sim.advance(500)
    expect(await Promise.all(asked)).toEqual([
      expect.stringContaining('the application refused it'),
      '12',
      expect.stringContaining('failed to answer'),
    ])
    const about = { name: 'livesocket.request', kind: SpanKind.CLIENT, events: [] }
    expect(spans().map(told)).toEqual([
      { ...about, 'livesocket.method': 'order', 'livesocket.outcome': 'sold-out', failed: false },
      { ...about, 'livesocket.method': 'price', 'livesocket.outcome': 'ack', failed: false },
      { ...about, 'livesocket.method': 'bug', 'livesocket.outcome': 'error', failed: true },
    ])
    for (const span of spans()) expect(span.parentSpanContext?.spanId).toBe(click.spanContext().spanId)
  })

  test('has a span for each handover, with its result', async () => {
    const { sim, socket, spans } = await traced({ servers: 2 })
    sim.deploy({ deadline: 2_000 })
    await sim.advance(5_000)
    const taken = sim.deploy({ deadline: 10_000, door: 'mute' })
    await sim.advance(1_000)
    taken.cancel()
    await sim.advance(1_000)
    sim.refuse('mute')
    void quietly(socket.handover())
    await sim.advance(100)
    socket.close()
    await sim.advance(100)
    expect(spans().map((span) => [span.name, span.attributes['livesocket.outcome'], told(span).events])).toEqual([
      ['livesocket.handover', 'handed-over', ['cutover']],
      ['livesocket.handover', 'cancelled', []],
      ['livesocket.handover', 'closed', []],
    ])
    expect(told(spans()[0]!)).toMatchObject({ 'livesocket.reason': 'deploy', 'livesocket.from': 1, failed: false })
  })

  test('has spans for the handovers of a LiveWebSocket', async () => {
    const sim = createSimulation()
    const protocol = livesocketV1()
    const socket = new LiveWebSocket(sim.url, [], { protocol, topic: 'room', environment: sim.environment })
    const { provider, spans } = exporting()
    onTestFinished(openTelemetry(socket.live, provider))
    await sim.advance(500)
    socket.send('hello')
    sim.deploy({ deadline: 2_000 })
    await sim.advance(5_000)
    socket.live.close()
    expect(spans().map(({ name }) => name)).toEqual(['livesocket.handover'])
  })

  test('has no spans after the undo, and requests work as before', async () => {
    const { sim, socket, spans, undo } = await traced({ onRequest: () => ({ data: 1 }) })
    undo()
    const answers = Promise.all([socket.request('price'), socket.publish('room', 1)])
    sim.deploy({ deadline: 2_000 })
    await sim.advance(5_000)
    expect(await answers).toEqual([1, expect.objectContaining({ offset: 1 })])
    expect(spans()).toEqual([])
  })

  test.each(['startSpan', 'setAttribute', 'end'])(
    'publishes, requests and hands over although %s throws, and reports the error',
    async (name) => {
      const uncaught = vi.spyOn(console, 'error').mockImplementation(() => undefined)
      onTestFinished(() => uncaught.mockRestore())
      const { provider } = exporting()
      const tracer = provider.getTracer('bad')
      const bad = () => {
        throw new Error(`${name} threw`)
      }
      const startSpan: typeof tracer.startSpan = (...args) => Object.assign(tracer.startSpan(...args), { [name]: bad })
      const sim = createSimulation({ onRequest: () => ({ data: 1 }) })
      const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
      onTestFinished(() => socket.close())
      openTelemetry(socket, {
        getTracer: () => ({ ...tracer, startSpan: name === 'startSpan' ? bad : startSpan }) as never,
      })
      socket.connect()
      const answers = Promise.all([socket.request('price'), socket.publish('room', 1)])
      await sim.advance(500)
      sim.deploy({ deadline: 2_000 })
      await sim.advance(5_000)
      expect(await answers).toEqual([1, expect.objectContaining({ offset: 1 })])
      expect(socket.stats().handovers).toBe(1)
      expect(uncaught.mock.calls.map(([error]) => (error as Error).message)).toEqual(Array(3).fill(`${name} threw`))
    },
  )

  test('with two providers, each gets spans until its own undo, in any order of the undos', async () => {
    const { sim, socket, spans, undo } = await traced({ onRequest: () => ({ data: 1 }) })
    const second = exporting()
    const { request } = socket
    const undoSecond = openTelemetry(socket, second.provider)
    const ask = async () => {
      const answer = socket.request('price')
      await sim.advance(500)
      expect(await answer).toBe(1)
      return [spans().length, second.spans().length]
    }
    expect(await ask()).toEqual([1, 1])
    undo()
    expect(await ask()).toEqual([1, 2])
    undoSecond()
    expect(await ask()).toEqual([1, 2])
    expect(socket.request).toBe(request)
  })

  test('refuses an invalid method as it does without spans', async () => {
    const { socket } = await traced()
    for (const bad of [undefined, 7, ''])
      await expect(socket.request(bad as never)).rejects.toMatchObject({ code: 'invalid' })
  })

  test('sends its spans to the global provider, even if that is registered later', async () => {
    const sim = createSimulation()
    const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
    onTestFinished(() => socket.close())
    openTelemetry(socket)
    const { provider, spans } = exporting()
    trace.setGlobalTracerProvider(provider)
    onTestFinished(() => trace.disable())
    socket.connect()
    void socket.publish('room', 1)
    await sim.advance(500)
    expect(spans().map(({ name }) => name)).toEqual(['livesocket.publish'])
  })
})
