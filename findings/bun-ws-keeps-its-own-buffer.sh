#!/usr/bin/env bash
# Bun 1.4.5: `import 'ws'` does not load the installed package but Bun's own layer. What that layer buffers for a slow reader appears in none of the
# stream's figures: `ws._socket.writableLength` stays 0 and `writableNeedDrain` false while `bufferedAmount` reports megabytes.
# Bytes that a program writes directly to the upgraded stream wait in that stream, apart from the layer's buffer: a ping of the layer
# overtakes them, and lands in the middle of a frame.
# Expected: as with ws 8 on Node and on Deno, where layer and stream are one queue and both report the same bytes.
# Why it matters: a server that paces slow readers by the stream, or writes frames that are made once for all readers to the stream, does not work. Every frame
# must go through `ws.send`, and only `bufferedAmount` says how much waits. Needs Node and npm; installs bun (some 90 MB) and ws.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund bun@1.4.5 ws@8.18.3
cat > see.mjs <<'JS'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { randomBytes } from 'node:crypto'
import { WebSocketServer } from 'ws'
const layer = new WebSocketServer({ noServer: true, perMessageDeflate: false })
const http = createServer()
http.on('upgrade', (request, stream, head) => {
  layer.handleUpgrade(request, stream, head, (ws) => {
    for (let n = 0; n < 100; n++) ws.send('x'.repeat(100_000))
    // A turn later, what the system takes it has.
    setTimeout(() => {
      const waits = (bytes) => (bytes > 1_000_000 ? 'megabytes' : bytes > 0 ? 'little' : 'nothing')
      seen.push(`the socket is the stream: ${ws._socket === stream}; bufferedAmount: ${waits(ws.bufferedAmount)}; ` +
        `writableLength: ${waits(stream.writableLength)}; writableNeedDrain: ${stream.writableNeedDrain}`)
      reader.on('data', () => undefined).resume()
      setTimeout(() => {
        // A text frame of 100,000 bytes, made by hand; then a ping, by the layer.
        const frame = Buffer.alloc(100_010, 'x')
        frame.set([0x81, 127, 0, 0, 0, 0, 0, 1, 0x86, 0xa0])
        reader.pause()
        for (let n = 0; n < 100; n++) stream.write(frame)
        ws.ping('a mark')
        setTimeout(() => {
          let bytes = Buffer.alloc(0)
          reader.on('data', (data) => {
            bytes = Buffer.concat([bytes, data])
            const at = bytes.indexOf('a mark')
            const start = bytes.indexOf(Buffer.from([0x81, 127]))
            if (at < 0 || start < 0) return
            seen.push(`a ping written behind frames comes ${(at - 2 - start) % 100_010 === 0 ? 'between two' : 'inside of one'}`)
            console.log(`${globalThis.Bun ? `Bun ${Bun.version}` : `Node ${process.versions.node.split('.')[0]}`}: ${seen.join('; ')}`)
            process.exit(0)
          })
          reader.resume()
        }, 300)
      }, 1_000)
    }, 300)
  })
})
const seen = []
let reader
http.listen(0, '127.0.0.1', () => {
  // A client that asks for a WebSocket and then reads nothing for a while.
  const { port } = http.address()
  reader = connect(port, '127.0.0.1', () =>
    reader.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`),
  )
  reader.pause()
})
JS
seen=$(timeout 30 node see.mjs; timeout 30 node_modules/.bin/bun see.mjs)
echo "$seen"
grep -q '^Node .*the stream: true; bufferedAmount: megabytes; writableLength: megabytes; writableNeedDrain: true; a ping written behind frames comes between two$' <<< "$seen"
grep -q '^Bun 1.4.5: .*the stream: true; bufferedAmount: megabytes; writableLength: nothing; writableNeedDrain: false; a ping written behind frames comes inside of one$' <<< "$seen"
