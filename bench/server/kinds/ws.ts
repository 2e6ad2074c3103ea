import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { LegWords, ServerKind } from '../kind.js'

let server: WebSocketServer

/** The least that a server does: it serialises a message once and sends it to each socket. */
export const kind: ServerKind = {
  async listen() {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
    // A client's message is sent to all, as in a topic.
    server.on('connection', (socket) =>
      socket.on('message', (data) =>
        String(data) === 'hello' ? socket.send('welcome') : kind.publish(JSON.parse(String(data))),
      ),
    )
    await once(server, 'listening')
    return { port: (server.address() as AddressInfo).port }
  },
  publish(data) {
    const text = JSON.stringify(data)
    for (const client of server.clients) client.send(text)
  },
}

export const words: LegWords = {
  path: '/',
  protocols: [],
  hello: () => 'hello',
  hear: (text) => (text === 'welcome' ? 'ready' : 'message'),
}
