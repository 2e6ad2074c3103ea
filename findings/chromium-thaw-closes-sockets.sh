#!/usr/bin/env bash
# Chromium 156: a page that is frozen keeps its WebSocket, and loses it when it is thawed. While it is frozen the browser answers the server's pings and
# takes what the server says. At the thaw the connection is closed: the server sees 1001 only then, the page `error` and `close` with 1006, and
# all that came while it was frozen is gone. In the page's `resume` event `readyState` still is 1: what it sends there arrives, and the answer does not.
# Guessed: that the connection is closed when the page is frozen, and the server knows; or that it lives on, and the messages are told after the thaw,
# as after a long task. So it is in the headless shell of Chromium 147, and so people saw it in 2023 (haishanh/yacd, pull request 775). Chrome's guide
# advises to close sockets in `freeze`, and does not say what becomes of one that stays open; on phones phoenix had to deal with it (its issue 6804).
# It matters since a server that goes by its pings holds a page present that has told its user nothing for hours, and whatever counts as delivered once
# it was written is lost. Answers have to come from the page itself, and the next connection has to say up to where it has read.
# Chromium freezes hidden pages by itself, on phones after minutes; here its DevTools protocol says when. Needs Debian's chromium and Node.
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
