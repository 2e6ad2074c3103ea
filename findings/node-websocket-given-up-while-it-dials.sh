#!/usr/bin/env bash
# Node and Deno report `close()` of a WebSocket that is still CONNECTING (a dial that takes too long) in their own ways:
# Node 22.23.3: `error` twice, the first of them inside the call, and never a `close`; `readyState` stays 2 forever.
# Node 24.21.0, 26.10.0, and undici 8.13.1 of npm: `error` and `close`, both inside the call, where `readyState` is 3; after the call it is 2 again, and stays 2.
# Deno 2.9.6 fires each once and after the call, as it should, but `close` has the code 0, as for every broken connection there.
# Expected: as in Chromium 156, Firefox ESR 153, Bun 1.4.5 and ws 8.23.0: 2 after the call, then one `error` and one `close` with 1006, at 3.
# Why it matters: code that dials again from `close` never runs on 22, and on 24 and 26 runs inside the call, in a half-updated state.
# Code that waits for `readyState` 3, or acts on 1006, waits forever. The dialling code must decide itself when a dial is over. Needs Node and npm; installs node, bun, deno.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund node22@npm:node@22.23.3 node24@npm:node@24.21.0 node26@npm:node@26.10.0 bun@1.4.5 deno@2.9.6 undici@8.13.1 ws@8.23.0
cat > see.mjs <<'JS'
import { createServer } from 'node:net'
import process from 'node:process'
const [, , name, from] = process.argv
const WebSocket = from ? (await import(from)).WebSocket : globalThis.WebSocket
// A server that takes connections and answers nothing.
const server = createServer((stream) => {
  stream.on('error', () => undefined)
  stream.once('data', () => {
    stream.once('close', () => setTimeout(done, 500))
    said.push('close() {')
    socket.close()
    said.push(`} ${socket.readyState}`)
  })
})
const said = []
let socket
function done() {
  console.log(`${name}: ${said.join(' ')}, ${socket.readyState} in the end`)
  process.exit(0)
}
server.listen(0, '127.0.0.1', () => {
  socket = new WebSocket(`ws://127.0.0.1:${server.address().port}`)
  socket.onerror = () => said.push(`error at ${socket.readyState}`)
  socket.onclose = ({ code }) => said.push(`close ${code} at ${socket.readyState}`)
})
JS
seen=$(
  timeout 60 node_modules/node22/bin/node see.mjs "Node $(node_modules/node22/bin/node -p process.versions.node)"
  timeout 60 node_modules/node24/bin/node see.mjs "Node $(node_modules/node24/bin/node -p process.versions.node)"
  timeout 60 node_modules/node26/bin/node see.mjs "Node $(node_modules/node26/bin/node -p process.versions.node)"
  timeout 60 node_modules/node26/bin/node see.mjs 'undici 8.13.1' undici
  timeout 60 node_modules/.bin/deno run -A see.mjs 'Deno 2.9.6'
  timeout 60 node_modules/.bin/bun see.mjs 'Bun 1.4.5'
  timeout 60 node_modules/node26/bin/node see.mjs 'ws 8.23.0' ws
)
echo "$seen"
expected='Node 22.23.3: close() { error at 0 } 2 error at 2, 2 in the end
Node 24.21.0: close() { error at 3 close 1006 at 3 } 2, 2 in the end
Node 26.10.0: close() { error at 3 close 1006 at 3 } 2, 2 in the end
undici 8.13.1: close() { error at 3 close 1006 at 3 } 2, 2 in the end
Deno 2.9.6: close() { } 2 error at 3 close 0 at 3, 3 in the end
Bun 1.4.5: close() { } 2 error at 3 close 1006 at 3, 3 in the end
ws 8.23.0: close() { } 2 error at 2 close 1006 at 3, 3 in the end'
test "$seen" = "$expected" || { echo CHANGED; exit 1; }
