#!/usr/bin/env bash
# The WebSocket of Node 22.23.3, 24.21.0 and 26.10.0, undici 8.13.1 of npm, and WebKitGTK 2.50.6 (tried by hand): `close()` overtakes a Blob. A Blob that was
# sent before `close()`, and every message sent after that Blob, texts too, never reaches the server. `send` accepted them, no error reports
# it, and the connection ends cleanly: 1000, and `wasClean: true`.
# One would guess what Chromium 156, Firefox ESR 153, Bun 1.4.5, Deno 2.9.6 and ws 8.23.0 do: everything sent goes out before the close frame, as MDN and the
# standard say of queued messages. Without the `close()` all of them send everything, in order.
# It matters to a client that sends something last and leaves: an upload of a Blob, then `done`, then `close()`. Read the bytes first
# (`await blob.arrayBuffer()`) and send those. Needs Node and npm; installs node 22, 24 and 26, bun and deno (some 700 MB).
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund node22@npm:node@22.23.3 node24@npm:node@24.21.0 node26@npm:node@26.10.0 bun@1.4.5 deno@2.9.6 undici@8.13.1 ws@8.23.0
cat > see.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:http'
import process from 'node:process'
const [, , name, url, from, leaves] = process.argv
if (name === 'server') {
  const { WebSocketServer } = await import('ws')
  const http = createServer()
  new WebSocketServer({ server: http }).on('connection', (ws, { url }) => {
    const heard = []
    ws.on('message', (data) => heard.push(String(data)))
    ws.on('close', (code) => console.log(`${decodeURIComponent(url.slice(1))}: ${heard.join(' ')}, close ${code}`))
  })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  console.log(http.address().port)
} else {
  const WebSocket = from === '-' ? globalThis.WebSocket : (await import(from)).WebSocket
  const socket = new WebSocket(`${url}/${encodeURIComponent(leaves === 'stays' ? `${name}, which stays a while` : name)}`)
  socket.onopen = () => {
    socket.send('1')
    socket.send(new Blob(['2']))
    socket.send('3')
    if (leaves === 'stays') setTimeout(() => socket.close(1000), 300)
    else socket.close(1000)
  }
  socket.onclose = ({ wasClean }) => setTimeout(() => process.exit(wasClean ? 0 : 1), 100)
}
JS
bin=node_modules
$bin/node26/bin/node see.mjs server > heard & server=$!
trap 'kill $server; rm -rf "$work"' EXIT
until [ -s heard ]; do sleep 0.1; done
url=ws://127.0.0.1:$(head -1 heard)
for leaves in leaves stays; do
  for v in 22 24 26; do $bin/node$v/bin/node see.mjs "Node $v" "$url" - $leaves; done
  $bin/node26/bin/node see.mjs undici "$url" undici $leaves
  $bin/node26/bin/node see.mjs ws "$url" ws $leaves
  $bin/.bin/bun see.mjs Bun "$url" - $leaves
  $bin/.bin/deno run -A see.mjs Deno "$url" - $leaves
done
sleep 0.5
tail -n +2 heard | tee seen
{
  for who in 'Node 22' 'Node 24' 'Node 26' undici; do echo "$who: 1, close 1000"; done
  for who in ws Bun Deno; do echo "$who: 1 2 3, close 1000"; done
  for who in 'Node 22' 'Node 24' 'Node 26' undici ws Bun Deno; do echo "$who, which stays a while: 1 2 3, close 1000"; done
} > expected
cmp -s seen expected && echo 'as described' || { echo CHANGED; exit 1; }
