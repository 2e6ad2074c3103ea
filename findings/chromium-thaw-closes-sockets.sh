#!/usr/bin/env bash
# Chromium 156: a frozen page keeps its WebSocket, and loses it when it is thawed. While the page is frozen, the browser answers the server's pings and
# accepts its messages. At the thaw the connection closes: only then does the server see 1001 and the page `error` and `close` with 1006, and every message
# that came meanwhile is lost. In the page's `resume` event `readyState` is still 1: what the page sends there arrives, but the answer does not.
# One would guess that the connection closes when the page is frozen, so that the server knows; or that it survives and delivers the messages after the thaw,
# as after a long task. Chromium's headless shell 147 does that, and so did Chrome in 2023 (haishanh/yacd, pull request 775). Chrome's guide advises to close
# sockets in `freeze`, and does not say what happens to an open one; phoenix met the effect on phones (its issue 6804).
# It matters because a server that relies on its pings counts a page as present that has shown its user nothing for hours, and a message that counts as
# delivered once it was written is lost. The page itself must acknowledge, and its next connection must say how far it has read.
# Chromium freezes hidden pages on its own, on phones after minutes; here its DevTools protocol does it. Needs Debian's chromium and Node.
set -eu
command -v chromium > /dev/null || { echo 'chromium is not installed'; exit 1; }
work=$(mktemp -d); trap 'rm -rf "$work" 2> /dev/null || { sleep 1; rm -rf "$work"; }' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund puppeteer-core@24.43.1 ws@8.23.0
cat > see.mjs <<'JS'
import { createServer } from 'node:http'
import { once } from 'node:events'
import puppeteer from 'puppeteer-core'
import { WebSocketServer } from 'ws'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const http = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>x</title>'))
const layer = new WebSocketServer({ server: http })
await once(http.listen(0, '127.0.0.1'), 'listening')
const browser = await puppeteer.launch({ executablePath: process.argv[2], args: ['--no-sandbox'] })

/** What the server and the page see while the page is in the back for 3 s, frozen or not, and is brought to the front again. */
async function see(frozen) {
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${http.address().port}/`)
  const came = once(layer, 'connection')
  await page.evaluate(() => new Promise((open) => {
    window.log = []
    const socket = new WebSocket(`ws://${location.host}`)
    socket.onopen = open
    socket.onmessage = ({ data }) => log.push(data)
    socket.onerror = () => log.push('error')
    socket.onclose = ({ code }) => log.push(`close ${code}`)
    document.onfreeze = () => log.push('freeze')
    document.onresume = () => {
      log.push(`resume, readyState ${socket.readyState}`)
      socket.send('here again')
    }
  }))
  const [ws] = await came
  const server = []
  ws.on('pong', () => server.push('pong'))
  ws.on('message', (data) => {
    server.push(String(data))
    ws.send('answer')
  })
  ws.on('close', (code) => server.push(`close ${code}`))
  const other = await browser.newPage()
  await other.bringToFront()
  await sleep(300)
  const devtools = await page.createCDPSession()
  if (frozen) await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
  for (const word of ['one', 'two', 'three']) {
    await sleep(1_000)
    ws.send(word)
    ws.ping()
  }
  await sleep(500)
  server.push('to the front')
  await page.bringToFront()
  await sleep(1_000)
  const seen = { server: server.join(', '), page: await page.evaluate(() => log.join(', ')) }
  await Promise.all([page.close(), other.close()])
  return seen
}
const seen = { hidden: await see(false), frozen: await see(true) }
const version = await browser.version()
await browser.close()
console.log(version)
for (const [what, { server, page }] of Object.entries(seen)) console.log(`  ${what}, the server: ${server}\n  ${what}, the page: ${page}`)
const expected = {
  hidden: { server: 'pong, pong, pong, to the front', page: 'one, two, three' },
  frozen: { server: 'pong, pong, pong, to the front, here again, close 1001', page: 'freeze, resume, readyState 1, error, close 1006' },
}
const same = /\/156\./.test(version) && JSON.stringify(seen) === JSON.stringify(expected)
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs "$(command -v chromium)"
