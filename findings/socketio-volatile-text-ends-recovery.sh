#!/usr/bin/env bash
# Socket.IO 4.8.4 with `connectionStateRecovery`: a volatile event whose last argument is a text ends the client's recovery. The server appends a packet
# id to the arguments of each event that is not volatile; the client takes the last argument of any event, if it is a text, for that id. After
# a break the client names the text as its position, the server does not know that position, and everything sent meanwhile is lost: `recovered` is false.
# The same event with an object, or without arguments, does no harm, and the next event that is not volatile repairs it.
# Expected: an event that may be lost has no effect on those that may not.
# Why it matters: typing notices and cursors are sent as volatile events, often with a name as their only argument. Recovery then works in tests,
# and fails for a client whose last event said that somebody is typing. Needs Node and npm.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund socket.io@4.8.4 socket.io-client@4.8.4
cat > see.mjs <<'JS'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Server } from 'socket.io'
import { io as connect } from 'socket.io-client'

/** What a client of a server with recovery has got of the events 1, 2 and 3, of which 2 is sent in a break; before it a volatile one with `word`. */
async function see(word) {
  const http = createServer()
  const io = new Server(http, { connectionStateRecovery: {} })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  let socket
  io.on('connection', (came) => (socket = came))
  const client = connect(`http://127.0.0.1:${http.address().port}`, { transports: ['websocket'], forceNew: true, reconnectionDelay: 500, randomizationFactor: 0 })
  const got = []
  const next = (event) => new Promise((resolve) => client.once(event, resolve))
  client.on('news', (n) => got.push(n))
  await next('connect')
  while (!socket) await new Promise((resolve) => setTimeout(resolve, 10))
  const [first] = [next('news'), io.emit('news', 1)]
  await first
  if (word !== undefined) {
    // A volatile event that finds the socket busy is dropped: it is sent until one has come.
    let came = false
    void next('typing').then(() => (came = true))
    while (!came) {
      io.volatile.emit('typing', word)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const gone = Promise.all([next('disconnect'), once(socket, 'disconnect')])
  socket.conn.close()
  await gone
  io.emit('news', 2)
  await next('connect')
  const { recovered } = client
  const last = new Promise((resolve) => client.on('news', (n) => n === 3 && resolve()))
  io.emit('news', 3)
  await last
  client.close()
  await io.close()
  return `${recovered ? 'recovered' : 'not recovered'}, has got ${got.join(', ')}`
}
const seen = { 'no volatile event': await see(), 'one with an object': await see({ who: 'ada' }), 'one with a text': await see('ada') }
console.log(`socket.io ${createRequire(import.meta.url)('socket.io/package.json').version}`)
for (const [what, came] of Object.entries(seen)) console.log(`  ${what}: ${came}`)
const same = Object.values(seen).join('; ') === 'recovered, has got 1, 2, 3; recovered, has got 1, 2, 3; not recovered, has got 1, 3'
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs
