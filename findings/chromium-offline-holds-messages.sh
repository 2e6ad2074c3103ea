#!/usr/bin/env bash
# Chromium 156, taken offline by `context.setOffline(true)` of Playwright 1.65.1 (the same as "Offline" in its DevTools): an open WebSocket
# stays open. What either side sends is neither lost nor refused but held, with `bufferedAmount` 0 and `navigator.onLine` false, and arrives,
# all and in order, when the page is online again. New sockets fail at once.
# Expected: the connection breaks, or what is sent meanwhile is lost, as when a laptop leaves its network.
# Why it matters: a test that goes offline, publishes, comes back and finds nothing missing has not tested the client's repeats and replays,
# because no connection ended. It tests a path that stops carrying data. To test a break, cut the connection, for instance with a relay between the two.
# Needs Debian's chromium, Node and npm.
set -eu
command -v chromium > /dev/null || { echo 'chromium is not installed'; exit 1; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund playwright-core@1.65.1 ws@8.23.0
cat > see.mjs <<'JS'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { chromium } from 'playwright-core'
import { WebSocketServer } from 'ws'

const http = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>x</title>'))
const server = []
const layer = new WebSocketServer({ server: http })
layer.on('connection', (ws) => {
  ws.on('message', (data) => server.push(String(data)))
  ws.on('close', (code) => server.push(`close ${code}`))
})
await once(http.listen(0, '127.0.0.1'), 'listening')
const browser = await chromium.launch({ executablePath: process.argv[2], args: ['--no-sandbox'] })
const context = await browser.newContext()
const page = await context.newPage()
await page.goto(`http://127.0.0.1:${http.address().port}/`)
await page.evaluate(() => new Promise((open) => {
  window.log = []
  window.socket = new WebSocket(`ws://${location.host}`)
  socket.onmessage = ({ data }) => log.push(data)
  socket.onclose = ({ code }) => log.push(`close ${code}`)
  socket.onopen = open
}))
const [ws] = layer.clients
const look = () => page.evaluate(() => `onLine ${navigator.onLine}; ${log.join(', ')}; readyState ${socket.readyState}, bufferedAmount ${socket.bufferedAmount}`)
await context.setOffline(true)
await page.evaluate(() => new Promise((failed) => {
  socket.send('page 1')
  socket.send('page 2')
  new WebSocket(`ws://${location.host}`).onerror = () => failed(log.push('a new one fails'))
}))
ws.send('server 1')
ws.send('server 2')
await new Promise((resolve) => setTimeout(resolve, 2_000))
const seen = [`offline, the page: ${await look()}`, `offline, the server: ${server.join(', ') || 'nothing'}`]
await context.setOffline(false)
while (server.length < 2 || !/true.*server 2/.test(await look())) await new Promise((resolve) => setTimeout(resolve, 50))
seen.push(`online, the page: ${await look()}`, `online, the server: ${server.join(', ')}`)
console.log(`Chromium ${browser.version()}`)
for (const line of seen) console.log(`  ${line}`)
await browser.close()
const expected = [
  'offline, the page: onLine false; a new one fails; readyState 1, bufferedAmount 0',
  'offline, the server: nothing',
  'online, the page: onLine true; a new one fails, server 1, server 2; readyState 1, bufferedAmount 0',
  'online, the server: page 1, page 2',
]
const same = seen.join() === expected.join()
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs "$(command -v chromium)"
