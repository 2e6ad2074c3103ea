import { once } from 'node:events'
import { createLiveSocket, type LiveSocketOptions } from 'livesocket'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { clientConformance } from '../../src/cli/client-conformance.js'
import type { SocketServer, StartClient } from '../../src/cli/client-stage.js'

async function serve(): Promise<SocketServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  return server as unknown as SocketServer
}

/** Our client, with a defect if the arguments give it one. */
function client(Class: unknown = WebSocket, more: Partial<LiveSocketOptions> = {}): StartClient {
  return (url, topic) => {
    const socket = createLiveSocket({ url, ...more, environment: { WebSocket: Class as never } })
    return {
      on(listener) {
        socket.subscribe(topic, (data, { offset }) => listener({ message: { offset, data } }))
        socket.on('gap', ({ from, to }) => listener({ gap: { from, to } }))
        socket.connect()
        published = (data) =>
          void socket.publish(topic, data).then(
            ({ offset }) => listener({ settled: { data, offset } }),
            (error: { code: string }) => listener({ settled: { data, code: error.code } }),
          )
      },
      tell: ({ data }) => published(data),
      end: () => socket.close(),
    }
  }
  var published: (data: unknown) => void
}

/** Changes what the client reports. */
const saying = (change: (frame: Record<string, unknown>) => unknown) =>
  class extends WebSocket {
    override send(text: never) {
      const changed = change(JSON.parse(text) as Record<string, unknown>)
      if (changed !== null) super.send(JSON.stringify(changed))
    }
  }

/** Changes what the client receives. */
const hearing = (change: (frame: Record<string, unknown>) => unknown) =>
  class extends WebSocket {
    override addEventListener(type: string, listener: never, options?: never) {
      if (type !== 'message') return super.addEventListener(type as never, listener, options)
      return super.addEventListener('message', ({ data }: { data: unknown }) => {
        const changed = change(JSON.parse(String(data)) as Record<string, unknown>)
        if (changed !== null) (listener as (event: object) => void)({ data: JSON.stringify(changed), type })
      })
    }
  }

const failing = async (start: StartClient, only: string) =>
  (await clientConformance({ start, serve, only, patience: 700 }))
    .filter(({ verdict }) => verdict === 'fails')
    .map(({ title }) => title)

describe('the conformance kit for clients', () => {
  it('finds nothing wrong with our own client', { timeout: 60_000 }, async () => {
    const findings = await clientConformance({ start: client(), serve })
    expect(findings.filter(({ verdict }) => verdict !== 'holds')).toEqual([])
    expect(findings.length).toBeGreaterThanOrEqual(20)
  })

  it.each<[string, StartClient, string]>([
    [
      'forgets its positions',
      client(saying((frame) => (frame['type'] === 'hello' ? { ...frame, topics: { conformance: {} } } : frame))),
      'hands over when it is asked to',
    ],
    [
      'uses another session for each leg',
      client(
        saying((frame) => (frame['type'] === 'hello' ? { ...frame, session: `s${String(frame['leg'])}` } : frame)),
      ),
      'comes back after 1012',
    ],
    [
      'ignores handover',
      client(hearing((frame) => (frame['type'] === 'handover' ? null : frame))),
      'has two legs at most',
    ],
    [
      'ignores which server welcomed it',
      client(hearing((frame) => (frame['type'] === 'welcome' ? { ...frame, server: undefined } : frame))),
      'leaves the server that asked it',
    ],
    [
      'sends no age with a repeat',
      client(saying((frame) => ({ ...frame, age: undefined }))),
      'sends a publish again that is unanswered',
    ],
    ['sends no pings', client(saying((frame) => (frame['type'] === 'ping' ? null : frame))), 'is never silent'],
    [
      'reconnects after a final error',
      client(
        hearing((frame) => (frame['type'] === 'error' ? null : frame)),
        { onClose: () => 'retry' },
      ),
      'stops after superseded',
    ],
  ])('finds a client that %s', async (_name, start, only) => {
    expect(await failing(start, only)).toEqual([expect.stringContaining(only) as string])
  })
})
