#!/usr/bin/env bash
# Firefox ESR 153: while a page's script is blocked in a long task, Firefox accepts everything that a server sends on a WebSocket, here 64 MB within seconds,
# and keeps answering pings. The server's queue stays empty: neither `bufferedAmount`, nor the TCP stream, nor pings show that nothing is read. All of it is
# in the browser's memory, and is delivered when the task ends. WebKitGTK 2.50.6, tried by hand, does the same.
# One would guess what Chromium 156 does: it stops reading after 3 to 4 MB, TCP buffers included. From then on the server's queue grows, and a ping that
# waits in it is not answered.
# It matters to a server that paces or drops slow readers by its own queue: that works for Chromium only. What a slow page has not processed yet is known
# only from the page's own answers; and a client whose pong is late in Chromium is alive. MDN documents that WebSocket offers no backpressure
# to the page; that two browsers apply none to the server either, and one does, is not documented. Needs Debian's chromium, firefox-esr and Node.
set -eu
for program in chromium firefox-esr; do command -v $program > /dev/null || { echo "$program is not installed"; exit 1; }; done
work=$(mktemp -d); trap 'rm -rf "$work" 2> /dev/null || { sleep 1; rm -rf "$work"; }' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 ws@8.23.0
cat > see.mjs <<'JS'
import { createServer } from 'node:http'
import { once } from 'node:events'
import puppeteer from 'puppeteer-core'
import { WebSocketServer } from 'ws'

const MB = 2 ** 20
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const http = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>x</title>'))
const layer = new WebSocketServer({ server: http, perMessageDeflate: false })
await once(http.listen(0, '127.0.0.1'), 'listening')

async function see(browser, executablePath) {
  const program = await puppeteer.launch({ browser, executablePath, args: browser === 'chrome' ? ['--no-sandbox'] : [] })
  const page = await program.newPage()
  await page.goto(`http://127.0.0.1:${http.address().port}/`)
  const came = once(layer, 'connection')
  await page.evaluate(() => new Promise((open) => {
    window.read = 0
    window.socket = new WebSocket(`ws://${location.host}`)
    socket.onopen = open
    socket.onmessage = ({ data }) => (read += data.length)
  }))
  const [ws] = await came
  let pongs = 0
  ws.on('pong', () => pongs++)
  // Stands still for 10 s, from a moment on in which the answer to this call has gone.
  await page.evaluate(() => void setTimeout(() => { for (const end = performance.now() + 10_000; performance.now() < end; ); }, 100))
  await sleep(1_000)
  for (let i = 0; i < 64; i++) ws.send('x'.repeat(MB))
  ws.ping()
  await sleep(6_000)
  const taken = 64 - ws.bufferedAmount / MB
  const seen = { version: await program.version(), taken, pongs }
  while ((await page.evaluate(() => read)) < 64 * MB) await sleep(100)
  await sleep(500)
  seen.later = pongs
  await program.close()
  return seen
}
let same = true
for (const [browser, path, expected] of [['chrome', process.argv[2], ({ taken, pongs }) => taken < 16 && pongs === 0], ['firefox', process.argv[3], ({ taken, pongs }) => taken === 64 && pongs === 1]]) {
  const seen = await see(browser, path)
  console.log(`${seen.version}: of 64 MB it takes ${seen.taken.toFixed(1)} for a page that stands still, and answers ${seen.pongs} ping behind them; ${seen.later} once the page goes on`)
  same &&= expected(seen) && seen.later === 1 && /^Chrome\/156\.|^firefox\/153\./i.test(seen.version)
}
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 110 node see.mjs "$(command -v chromium)" "$(command -v firefox-esr)"
