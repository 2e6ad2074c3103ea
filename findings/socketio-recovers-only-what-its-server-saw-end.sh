#!/usr/bin/env bash
# Socket.IO 4.8.4 with `connectionStateRecovery`: a session can be recovered only after its server has noticed that the old connection ended. A client
# that notices first and is back within a second is a new client there: `recovered` is false, and what was sent into the old connection is lost, although
# the server keeps packets for two minutes. The old socket lives beside the new one until its ping times out, 20 to 45 s later with the defaults.
# Expected: the sooner a client is back, the more surely it is recovered; a client that presents the session's secret id takes the session over.
# Why it matters: when a phone changes its network, and whenever a path dies silently, the client notices first. Recovery does not help with
# exactly the break that it is for. A test in which both ends see the connection close passes. Needs Node and npm.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund socket.io@4.8.4 socket.io-client@4.8.4
cat > see.mjs <<'JS'
import { createServer } from 'node:http'
import { connect as tcp, createServer as tcpServer } from 'node:net'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Server } from 'socket.io'
import { io as connect } from 'socket.io-client'

/** Of the events 1, 2 and 3 the second is sent in a break, which the client sees, and the server where `both`. */
async function see(both) {
  const http = createServer()
  const io = new Server(http, { connectionStateRecovery: {} })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  // A path between the two, of which each half can end by itself.
  const paths = []
  const path = tcpServer((near) => {
    const far = tcp(http.address().port, '127.0.0.1')
    for (const [from, to] of [[near, far], [far, near]]) from.on('error', () => undefined).on('data', (data) => to.destroyed || to.write(data))
    paths.push([near, far])
  })
  await once(path.listen(0, '127.0.0.1'), 'listening')
  const client = connect(`http://127.0.0.1:${path.address().port}`, { transports: ['websocket'], forceNew: true, reconnectionDelay: 500, randomizationFactor: 0 })
  const told = (event, emitter = client) => new Promise((resolve) => emitter.once(event, resolve))
  const got = []
  client.on('news', (n) => got.push(n))
  const [socket] = await Promise.all([told('connection', io), told('connect')])
  const first = told('news')
  io.emit('news', 1)
  await first
  const broken = Promise.all([told('disconnect'), both && told('disconnect', socket)])
  const [near, far] = paths[0]
  near.destroy()
  if (both) far.destroy()
  await broken
  io.emit('news', 2)
  await told('connect')
  const { recovered } = client
  const last = new Promise((resolve) => client.on('news', (n) => n === 3 && resolve()))
  io.emit('news', 3)
  await last
  const sockets = io.of('/').sockets.size
  client.close()
  paths.flat().forEach((stream) => stream.destroy())
  path.close()
  await io.close()
  return `${recovered ? 'recovered' : 'not recovered'}, has got ${got.join(', ')}; the server has ${sockets} of it`
}
const seen = { 'both ends have seen the break': await see(true), 'the client alone has': await see(false) }
console.log(`socket.io ${createRequire(import.meta.url)('socket.io/package.json').version}`)
for (const [what, came] of Object.entries(seen)) console.log(`  ${what}: ${came}`)
const same = Object.values(seen).join('|') === 'recovered, has got 1, 2, 3; the server has 1 of it|not recovered, has got 1, 3; the server has 2 of it'
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs
