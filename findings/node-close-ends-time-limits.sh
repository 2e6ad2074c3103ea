#!/usr/bin/env bash
# `server.close()` of an HTTP server also switches off its time limits. While the server listens, `headersTimeout` and `requestTimeout` end a half-sent
# request. After `close()` nothing ends it: the callback of `close()` is never called, and `closeIdleConnections()` does not help. Node 22.23.3, 24.21.0 and
# 26.10.0, Bun 1.4.5 and Deno 2.9.6 all do this. A connection that has sent no request yet, such as those that Chromium opens in advance, is also left
# by Node 22, Node 24 and Deno; Node 26 and Bun close it at once.
# One would guess that `close()` waits for each request no longer than the limits allow, so that the callback is sure to come.
# The documentation says that `close()` closes connections that send no request, and nothing about the limits.
# It matters to a process that exits in that callback, after a drain: one phone that lost its network during an upload, or one tab that connected in
# advance, keeps the process until the platform kills it. Needs Node and npm; installs node, bun and deno (some 300 MB).
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null
npm install --silent --no-audit --no-fund node22@npm:node@22.23.3 node24@npm:node@24.21.0 node26@npm:node@26.10.0 bun@1.4.5 deno@2.9.6
cat > see.mjs <<'JS'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'

const LIMIT = 300
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms, false))

/** Whether a connection that has said `words` is cut within ten times the limit, by a server that listens on or is `closed` meanwhile. */
async function isCut(words, closed) {
  const http = createServer(
    { headersTimeout: LIMIT, requestTimeout: LIMIT, keepAliveTimeout: LIMIT, connectionsCheckingInterval: 50 },
    (request) => request.resume(),
  )
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const client = connect(http.address().port, '127.0.0.1').resume()
  client.on('error', () => undefined)
  await once(http, 'connection')
  if (words) {
    client.write(words)
    // Long enough for it to arrive, and not for the limit.
    await later(50)
  }
  let over = once(client, 'close').then(() => true)
  if (closed) {
    over = new Promise((resolve) => http.close(() => resolve(true)))
    http.closeIdleConnections()
  }
  const cut = await Promise.race([over, later(10 * LIMIT)])
  http.closeAllConnections()
  if (!closed) http.close()
  client.destroy()
  return cut
}
const requests = {
  'half of the headers': 'GET / HTTP/1.1\r\nHost: x\r\nAcc',
  'half of the body': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf',
  'nothing yet': '',
}
const seen = Object.entries(requests).map(async ([what, words]) => {
  const [open, closed] = await Promise.all([isCut(words, false), isCut(words, true)])
  return `${what}: ${open ? 'cut' : 'left'} while it listens, ${closed ? 'cut' : 'left'} after close()`
})
console.log((await Promise.all(seen)).join('; '))
process.exit()
JS
changed=0
see() {
  name=$1 nothing=$2; shift 2
  seen=$(timeout 30 "$@" see.mjs)
  echo "$name: $seen"
  [ "$seen" = "half of the headers: cut while it listens, left after close(); half of the body: cut while it listens, left after close(); nothing yet: cut while it listens, $nothing after close()" ] || changed=1
}
for version in 22 24; do see "Node $("node_modules/node$version/bin/node" --version)" left "node_modules/node$version/bin/node"; done
see "Node $(node_modules/node26/bin/node --version)" cut node_modules/node26/bin/node
see "Bun $(node_modules/.bin/bun --version)" cut node_modules/.bin/bun
see "Deno $(node_modules/.bin/deno --version | head -1 | cut -d' ' -f2)" left node_modules/.bin/deno run -A
[ $changed = 0 ] && echo 'as described' || { echo CHANGED; exit 1; }
