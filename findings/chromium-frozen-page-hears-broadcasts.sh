#!/usr/bin/env bash
# Chromium 156: a frozen page still receives BroadcastChannel messages. Its listener runs at once, while everything else waits for the thaw: timers, messages
# of WebSockets, workers and ports, `storage` events and Web Locks. What the listener sends on a WebSocket leaves at once. A timer that it sets and a lock
# that it requests wait for the thaw, which may be hours later, or never if the page is discarded.
# One would guess that a frozen page runs no code at all, and receives the channel's messages after the thaw like all others. The draft of the standard
# (wicg.github.io/page-lifecycle) says that freezable tasks wait, and names no exception.
# It matters to tabs that share work over a channel: a frozen tab still answers, and may promise what it cannot do, such as fetching a token or becoming the
# leader. Code that starts something there must expect minutes between two lines, and between a timer and its due time.
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
const url = `http://127.0.0.1:${http.address().port}/`
const browser = await puppeteer.launch({ executablePath: process.argv[2], args: ['--no-sandbox'] })
const [page, other] = [await browser.newPage(), await browser.newPage()]
for (const tab of [page, other]) await tab.goto(url)
const came = once(layer, 'connection')
await page.evaluate(() => new Promise((open) => {
  window.log = []
  const say = (what) => log.push(what)
  const socket = new WebSocket(`ws://${location.host}`)
  socket.onopen = open
  socket.onmessage = () => say('WebSocket')
  addEventListener('storage', () => say('storage'))
  document.onfreeze = () => {
    say('freeze')
    setTimeout(say, 500, 'timer')
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => say('port')
    port2.postMessage(null)
  }
  document.onresume = () => say('resume')
  new BroadcastChannel('c').onmessage = () => {
    say('BroadcastChannel')
    socket.send('heard')
    setTimeout(say, 0, 'timer of it')
    void navigator.locks.request('l', () => say('lock of it'))
  }
}))
const [ws] = await came
const server = []
ws.on('message', (data) => server.push(String(data)))
await other.bringToFront()
await sleep(300)
const devtools = await page.createCDPSession()
await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
await sleep(500)
await other.evaluate(() => {
  localStorage.setItem('item', 'new')
  new BroadcastChannel('c').postMessage(null)
})
ws.send('word')
await sleep(3_000)
const before = server.join()
await devtools.send('Page.setWebLifecycleState', { state: 'active' })
await sleep(1_000)
const log = await page.evaluate(() => log)
const version = await browser.version()
await browser.close()
const [first, then] = [log.slice(0, log.indexOf('resume')).join(', '), log.slice(log.indexOf('resume')).sort().join(', ')]
console.log(`${version}\n  while it is frozen, the page: ${first}\n  while it is frozen, the server: ${before}\n  after the thaw, the page, by name: ${then}`)
const same = /\/156\./.test(version) && first === 'freeze, BroadcastChannel' && before === 'heard' && then === 'lock of it, port, resume, storage, timer, timer of it'
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs "$(command -v chromium)"
