#!/usr/bin/env bash
# Node 26.10.0 (its own WebSocket, which is undici 8; also undici 8.13.1 of npm, and ws 8.23.0 unless `allowSynchronousEvents: false`): messages that
# arrive in one TCP segment are dispatched one after the other in one task, and promise callbacks do not run between them. Code that awaits a message and
# then listens for the next one misses it if the server sent both at once, and gets it if there was a pause: a race that shows up in production.
# Expected: a task for each message, as in the standard and in Chromium 156, Firefox ESR 153, Bun 1.4.5 and Deno 2.9.6, so that code that is
# right there is right in Node. ws documents its option; Node's own class has none.
# Why it matters: many clients begin with `const welcome = await next()`, and many servers send the welcome and the first messages in one write.
# Such a client must have one listener from the start. Needs Node and npm; installs node, bun and deno (some 300 MB).
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund node26@npm:node@26.10.0 bun@1.4.5 deno@2.9.6 undici@8.13.1 ws@8.23.0
cat > see.mjs <<'JS'
import { createServer } from 'node:net'
import { createHash } from 'node:crypto'
import process from 'node:process'
const [, , name, from, options] = process.argv
const WebSocket = from ? (await import(from)).WebSocket : globalThis.WebSocket
const frame = (text) => Buffer.from([0x81, text.length, ...Buffer.from(text)])
// A server that opens a WebSocket and says three words in one write.
const server = createServer((stream) => {
  stream.on('error', () => undefined)
  stream.once('data', (request) => {
    const key = /sec-websocket-key: (.*)\r\n/i.exec(String(request))[1]
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    stream.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
    stream.once('data', () => stream.write(Buffer.concat(['welcome', 'one', 'two'].map(frame))))
  })
})
server.listen(0, '127.0.0.1', async () => {
  const url = `ws://127.0.0.1:${server.address().port}`
  const socket = options ? new WebSocket(url, JSON.parse(options)) : new WebSocket(url)
  const next = () => new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data), { once: true }))
  let came = 0
  socket.addEventListener('message', () => came++)
  socket.addEventListener('open', () => socket.send('hello'))
  const got = []
  const reads = (async () => { for (;;) got.push(await next()) })()
  while (came < 3) await new Promise((resolve) => setTimeout(resolve, 10))
  console.log(`${name}: three messages were told; who awaits one after the other has got ${got.join(', ')}`)
  process.exit(0)
})
JS
node26=node_modules/node26/bin/node
seen=$(
  timeout 60 $node26 see.mjs "Node $($node26 -p process.versions.node)"
  timeout 60 $node26 see.mjs 'undici 8.13.1' undici
  timeout 60 $node26 see.mjs 'ws 8.23.0' ws
  timeout 60 $node26 see.mjs 'ws 8.23.0, allowSynchronousEvents: false' ws '{"allowSynchronousEvents":false}'
  timeout 60 node_modules/.bin/bun see.mjs 'Bun 1.4.5'
  timeout 60 node_modules/.bin/deno run -A see.mjs 'Deno 2.9.6'
)
echo "$seen"
test "$(sed 's/.*has got //' <<< "$seen" | paste -sd ';')" = 'welcome;welcome;welcome;welcome, one, two;welcome, one, two;welcome, one, two' || { echo CHANGED; exit 1; }
