import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createClient } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocket, WebSocketServer } from 'ws'
import { graphqlWs } from '../../../src/presets/graphql-ws.js'
import { LiveWebSocket } from '../../../src/vanilla/live-web-socket.js'
import { numberLog } from './number-log.js'
import { atPort, type ForeignServer } from './server.js'

// graphql has two builds, for Node and for bundlers, and neither accepts a schema of the other. This is the build that
// graphql-ws imports.
const { buildSchema } = createRequire(import.meta.url)('graphql') as typeof import('graphql')

/** `graphql-ws`, its server and its client, over a `LiveWebSocket`; results are identified by the number in them. */
export async function start(): Promise<ForeignServer> {
  const log = numberLog()
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(wss, 'listening')
  const ticks = async function* () {
    for await (const tick of log.follow()) yield { tick }
  }
  useServer(
    {
      schema: buildSchema('type Query { none: Int } type Subscription { tick: Int }'),
      roots: { subscription: { tick: ticks } },
    },
    wss,
  )
  const protocol = graphqlWs({ identity: ({ data }) => (data as { tick: number }).tick })
  return {
    port: (wss.address() as AddressInfo).port,
    url: atPort,
    protocol,
    topic: 'tick',
    numberIn: (data) => data as number,
    tell: log.tell,
    askToMove() {
      for (const client of wss.clients) client.send('{"type":"ping","payload":{"handover":{"deadline":20000}}}')
    },
    client(url, heard) {
      const sockets: LiveWebSocket[] = []
      class Kept extends LiveWebSocket.with({
        protocol,
        once: true,
        WebSocket,
        handover: { dwell: 0, overlapLimit: 1_500 },
        debug: false,
      }) {
        constructor(...args: ConstructorParameters<typeof LiveWebSocket>) {
          super(...args)
          sockets.push(this)
        }
      }
      const library = createClient({ url, webSocketImpl: Kept, retryAttempts: 0, lazy: false })
      library.subscribe<{ tick: number }>(
        { query: 'subscription { tick }' },
        { next: ({ data }) => heard(data!.tick), error: () => undefined, complete: () => undefined },
      )
      return { live: () => sockets[0]?.live, close: () => void library.dispose() }
    },
    async close() {
      log.end()
      for (const client of wss.clients) client.terminate()
      wss.close()
    },
  }
}
