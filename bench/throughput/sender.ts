// Sends what the server of a client library sends, in frames that were made before: only the client is measured.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { serveProgram } from '../cluster/program.js'
import { tick } from '../kit/tick.js'
import { loadPeer, type PeerName } from '../peers/peers.js'
import { textFrame } from './frames.js'

/** Frames in one write. */
const CHUNK = 200

serveProgram<{ peer: PeerName }>(({ peer: name }) => {
  let sent = 0
  let chunks: Buffer[] = []
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    handleProtocols: (wanted: Set<string>) => [...wanted][0] ?? false,
  })
  const peer = loadPeer(name)
  server.on('connection', (socket) => {
    void peer.then(({ greeting = [], answers }) => {
      for (const text of greeting) socket.send(text)
      socket.on('message', (data) => {
        for (const text of answers(String(data))) socket.send(text)
      })
    })
  })
  return {
    async listen() {
      if (!server.address()) await once(server, 'listening')
      return { port: (server.address() as AddressInfo).port }
    },
    async prepare({ messages }: { messages: number }) {
      const { wire } = await peer
      const frames = Array.from({ length: messages }, () => textFrame(wire(++sent, tick(sent))))
      chunks = Array.from({ length: Math.ceil(messages / CHUNK) }, (_, at) =>
        Buffer.concat(frames.slice(at * CHUNK, (at + 1) * CHUNK)),
      )
    },
    async send() {
      const stream = ([...server.clients].at(-1) as WebSocket & { _socket: Duplex })._socket
      for (const chunk of chunks) if (!stream.write(chunk)) await once(stream, 'drain')
    },
  }
})
