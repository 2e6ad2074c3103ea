import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { WebSocketServer, type WebSocket } from 'ws'
import { createLiveServer } from '../../src/server/index.js'

/**
 * The servers for the browser tests. They run in Node and start before the tests, which get their addresses by
 * injection.
 */
declare module 'vitest' {
  export interface ProvidedContext {
    /** A server whose path determines what happens to a socket: see `FATES`. */
    fateUrl: string
    /**
     * A live server. A publish of `{ topic, messages, perSecond }` into `orders` makes it publish 1, 2, 3, … into that
     * topic.
     */
    liveUrl: string
  }
}

/**
 * What each path does. `/echo` echoes. The others, except for those of the upgrade below, act on the first message, so
 * that the page sees the socket open before.
 */
const FATES: Record<string, (socket: WebSocket, query: URLSearchParams) => void> = {
  '/echo': (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })),
  '/close': (socket, query) =>
    socket.once('message', () => socket.close(Number(query.get('code')), query.get('reason') ?? '')),
  '/close-without-code': (socket) => socket.once('message', () => socket.close()),
  '/vanish': (socket) => socket.once('message', () => socket.terminate()),
  '/break-framing': (socket) =>
    socket.once('message', () =>
      (socket as unknown as { _socket: { write(data: Buffer): void } })._socket.write(Buffer.from([0x8f, 0])),
    ),
}

interface Order {
  readonly topic: string
  readonly messages: number
  readonly perSecond: number
}

export default async function startServers(project: TestProject) {
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => offered.values().next().value ?? false,
  })
  const server = createServer()
  server.on('upgrade', (request, socket, head) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'ws://any')
    if (pathname === '/hang') return
    if (pathname === '/refuse') return void socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
    if (pathname === '/no-subprotocol') delete request.headers['sec-websocket-protocol']
    sockets.handleUpgrade(request, socket, head, (client) => FATES[pathname]?.(client, searchParams))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  project.provide('fateUrl', `ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const live = createLiveServer({
    port: 0,
    host: '127.0.0.1',
    authenticate: () => ({ subject: 'page' }),
    authorize: () => true,
    allowedOrigins: '*',
    onPublish: ({ topic, data }) => void (topic === 'orders' && carryOut(data as Order)),
  })
  await live.ready
  project.provide('liveUrl', live.address().replace(/^http/, 'ws'))

  function carryOut({ topic, messages, perSecond }: Order) {
    const start = performance.now()
    let sent = 0
    const timer = setInterval(() => {
      const due = Math.min(messages, Math.floor(((performance.now() - start) * perSecond) / 1_000))
      while (sent < due) void live.publish(topic, ++sent)
      if (sent === messages) clearInterval(timer)
    }, 1)
  }

  return () => {
    live.close()
    for (const client of sockets.clients) client.terminate()
    server.closeAllConnections()
    server.close()
  }
}
