#!/usr/bin/env bash
# reconnecting-websocket 4.4.0, partysocket 1.3.0 and socket.io-client 4.8.4 queue what is sent while they are not connected, and send the queue before they
# fire `open` (or `connect`). So what an application says in that listener, such as who it is or what it wants to receive, reaches the server after the
# queue, on the first connection and after each break.
# One would guess that `open` fires first, as with the plain WebSocket that these classes replace, and that every connection begins with the same words.
# Their documentation says that queued messages are sent "on open" or "upon reconnection", and not in which order.
# It matters if a server must be greeted: everything sent during a break then arrives from an unknown client, and is refused or ends the connection.
# A test that sends nothing during the break passes. Put the greeting into the URL or the handshake's `auth` instead. Needs Node and npm.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null
npm install --silent --no-audit --no-fund reconnecting-websocket@4.4.0 partysocket@1.3.0 socket.io@4.8.4 socket.io-client@4.8.4 ws@8.23.0
cat > see.mjs <<'JS'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { WebSocket, WebSocketServer } from 'ws'
globalThis.WebSocket ??= WebSocket
const { WebSocket: PartySocket } = await import('partysocket')
const ReconnectingWebSocket = createRequire(import.meta.url)('reconnecting-websocket')

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}
/** Of each connection what the server heard, in order, and a way to cut it. */
const heard = []
let cut
const http = createServer()
new Server(http).on('connection', (socket) => {
  const words = []
  heard.push(words)
  socket.onAny((word) => words.push(word))
  cut = () => socket.conn.close()
})
const plain = createServer()
new WebSocketServer({ server: plain }).on('connection', (socket) => {
  const words = []
  heard.push(words)
  socket.on('message', (data) => words.push(String(data)))
  cut = () => socket.terminate()
})
for (const server of [http, plain]) await once(server.listen(0, '127.0.0.1'), 'listening')
const url = `ws://127.0.0.1:${plain.address().port}`
const options = { WebSocket, minReconnectionDelay: 50, maxReconnectionDelay: 50 }
const socketIo = io(`http://127.0.0.1:${http.address().port}`, { transports: ['websocket'], reconnectionDelay: 50, autoConnect: false })
const clients = {
  'reconnecting-websocket': () => new ReconnectingWebSocket(url, [], options),
  partysocket: () => new PartySocket(url, [], options),
  'socket.io-client': () => ({
    addEventListener: (event, listener) => socketIo.on(event === 'open' ? 'connect' : 'disconnect', listener),
    send: (word) => socketIo.emit(word),
    close: () => socketIo.close(),
    connect: socketIo.connect(),
  }),
}
let same = true
for (const [name, make] of Object.entries(clients)) {
  heard.length = 0
  const client = make()
  let breaks = 0
  client.addEventListener('open', () => client.send('hello'))
  client.addEventListener('close', () => breaks++)
  client.send('early')
  await until(() => heard[0]?.length === 2)
  cut()
  await until(() => breaks === 1)
  client.send('meanwhile')
  await until(() => heard[1]?.length === 2)
  client.close()
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'))
  const order = heard.map((words) => words.join(', ')).join('; ')
  console.log(`  ${name} ${version}: ${order}`)
  same &&= order === 'early, hello; meanwhile, hello'
}
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs
