#!/usr/bin/env bash
# WebSocket classes differ in how they treat messages that arrive after `close()` was called and before the server's close frame. Node 26.10.0 (undici 8)
# and Bun 1.4.5 drop them, as do the standard, Chromium 156 and Firefox ESR 153; ws 8.23.0 and Deno 2.9.6 still deliver them. All of them
# end the same way: `close` with 1000 and `wasClean: true`.
# Expected: a clean close has delivered everything that the server sent before it, because the closing handshake comes after it in order; or at least
# a client that is tested on ws, in tests or on a server, loses no more in a page.
# Why it matters: when a client leaves one connection for another, messages in flight are lost without a sign. The client must let the server say that no
# more will come, and close only then. Needs Node and npm; installs node, bun and deno (some 300 MB).
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund node26@npm:node@26.10.0 bun@1.4.5 deno@2.9.6 ws@8.23.0
cat > see.mjs <<'JS'
import { createServer } from 'node:net'
import { createHash } from 'node:crypto'
import process from 'node:process'
const [, , name, from] = process.argv
const WebSocket = from ? (await import(from)).WebSocket : globalThis.WebSocket
const frame = (text) => Buffer.from([0x81, text.length, ...Buffer.from(text)])
// A server that has said two words more by the time at which it reads that the client closes: as if they had been on their way.
const server = createServer((stream) => {
  stream.on('error', () => undefined)
  stream.once('data', (request) => {
    const key = /sec-websocket-key: (.*)\r\n/i.exec(String(request))[1]
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    stream.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
    stream.write(frame('one'))
    stream.on('data', ([first]) => {
      if ((first & 15) === 8) stream.end(Buffer.concat([frame('two'), frame('three'), Buffer.from([0x88, 2, 1000 >> 8, 1000 & 255])]))
    })
  })
})
server.listen(0, '127.0.0.1', () => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`)
  const told = []
  socket.onmessage = ({ data }) => {
    told.push(data)
    if (data === 'one') socket.close()
  }
  socket.onclose = ({ code, wasClean }) => {
    console.log(`${name}: told ${told.join(', ')}; closed with ${code}, ${wasClean ? 'clean' : 'not clean'}`)
    process.exit(0)
  }
})
JS
node26=node_modules/node26/bin/node
seen=$(
  timeout 60 $node26 see.mjs "Node $($node26 -p process.versions.node)"
  timeout 60 node_modules/.bin/bun see.mjs 'Bun 1.4.5'
  timeout 60 $node26 see.mjs 'ws 8.23.0' ws
  timeout 60 node_modules/.bin/deno run -A see.mjs 'Deno 2.9.6'
)
echo "$seen"
test "$(sed 's/.*: told //' <<< "$seen" | paste -sd '|')" = 'one; closed with 1000, clean|one; closed with 1000, clean|one, two, three; closed with 1000, clean|one, two, three; closed with 1000, clean' || { echo CHANGED; exit 1; }
