#!/usr/bin/env bash
# `server.close()` of an HTTP server leaves a connection on which no request has come yet. Chromium opens such connections in advance, and they are normal.
# While the server listens, `headersTimeout` ends one of them after its time. After `close()` nothing does: Node 22.23.3, Node 24.21.0 and Deno 2.9.6 apply
# that limit no more, `closeIdleConnections()` does not count the connection, and the callback of `close()` is not called as long as the browser keeps it.
# Node 26.10.0 and Bun 1.4.5 close it at once.
# One would guess that `close()` ends it, or that the time limit still does. The documentation of Node says that `close()` closes connections that are not
# sending a request, and does not say that its limits end with it.
# It matters to a process that exits in that callback, after a drain: one tab that connected in advance keeps the process until the platform kills it. End
# the rest with `closeAllConnections()` after a time of your own. Needs Node and npm; installs node, bun and deno (some 300 MB).
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

/** Whether a connection without a request is ended within ten times the limit, by a server that listens or is `closed`. */
async function isEnded(closed) {
  const http = createServer({ headersTimeout: LIMIT, keepAliveTimeout: LIMIT, connectionsCheckingInterval: 50 })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const client = connect(http.address().port, '127.0.0.1').resume()
  client.on('error', () => undefined)
  await once(http, 'connection')
  let over = once(client, 'close').then(() => true)
  if (closed) {
    over = new Promise((resolve) => http.close(() => resolve(true)))
    http.closeIdleConnections()
  }
  const ended = await Promise.race([over, later(10 * LIMIT)])
  http.closeAllConnections()
  if (!closed) http.close()
  client.destroy()
  return ended ? 'ended' : 'left'
}
const [open, closed] = await Promise.all([isEnded(false), isEnded(true)])
console.log(`${open} while the server listens, ${closed} after close()`)
process.exit()
JS
changed=0
see() {
  name=$1 after=$2; shift 2
  seen=$(timeout 30 "$@" see.mjs)
  echo "$name: $seen"
  [ "$seen" = "ended while the server listens, $after after close()" ] || changed=1
}
for version in 22 24; do see "Node $("node_modules/node$version/bin/node" --version)" left "node_modules/node$version/bin/node"; done
see "Node $(node_modules/node26/bin/node --version)" ended node_modules/node26/bin/node
see "Bun $(node_modules/.bin/bun --version)" ended node_modules/.bin/bun
see "Deno $(node_modules/.bin/deno --version | head -1 | cut -d' ' -f2)" left node_modules/.bin/deno run -A
[ $changed = 0 ] && echo 'as described' || { echo CHANGED; exit 1; }
