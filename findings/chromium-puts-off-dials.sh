#!/usr/bin/env bash
# Chromium 156: in a page whose dials have failed, Chromium itself delays `new WebSocket`, before anything goes over the wire. Some ten failures
# are free; from about the sixteenth on each dial is delayed by 1 to 5 s, drawn again each time, and `readyState` is CONNECTING meanwhile.
# It counts dials by page process, whatever their host, and successful dials reduce the count: a dial to another, healthy host waits too.
# Sockets that are opened together wait as well: of thirty at a healthy server, the last ones wait for at least 1 s.
# Expected: Chromium dials at once, and the page alone decides how long to wait between tries. Firefox's delay by host, port and
# path is better known. Why it matters: a client that gives a dial less than a second never opens one again, however healthy its server is. Each dial that
# it gives up counts as another failure, and none goes over the wire. Needs Debian's chromium and Node; starts it headless, over its DevTools protocol.
set -eu
command -v chromium > /dev/null || { echo 'chromium is not installed'; exit 1; }
work=$(mktemp -d); trap 'rm -rf "$work" 2> /dev/null || { sleep 1; rm -rf "$work"; }' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund ws@8.23.0
cat > see.mjs <<'JS'
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { WebSocket, WebSocketServer } from 'ws'

const arrived = []
const http = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>x</title>'))
const layer = new WebSocketServer({ noServer: true })
http.on('upgrade', (request, stream, head) => {
  arrived.push(request.url)
  if (request.url === '/well') layer.handleUpgrade(request, stream, head, () => undefined)
  else stream.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
})
await once(http.listen(0, '127.0.0.1'), 'listening')
const { port } = http.address()

const chromium = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0', '--user-data-dir=profile', 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] })
let said = ''
const address = await new Promise((resolve) => {
  chromium.stderr.on('data', (chunk) => {
    said += chunk
    const found = /DevTools listening on (\S+)/.exec(said)
    if (found) resolve(found[1])
  })
})
const wire = new WebSocket(address)
await once(wire, 'open')
const calls = new Map()
wire.on('message', (text) => { const answer = JSON.parse(text); calls.get(answer.id)?.(answer) })
const call = (method, params, sessionId) => new Promise((resolve, reject) => {
  const id = calls.size + 1
  calls.set(id, ({ result, error }) => (error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result)))
  wire.send(JSON.stringify({ id, method, params, sessionId }))
})
const { product } = await call('Browser.getVersion', {})

/** A page of its own, in a process of its own: what its dials take, in ms, is what it is asked for. */
async function page(host) {
  const { targetId } = await call('Target.createTarget', { url: `http://${host}:${port}/` })
  const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true })
  const run = async (expression) => {
    const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId)
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
    return result.value
  }
  while (await run(`document.readyState !== 'complete' || location.port === ''`)) await new Promise((resolve) => setTimeout(resolve, 50))
  await run(`void (window.dial = (url) => new Promise((told) => {
    const at = performance.now(), socket = new WebSocket(url)
    socket.onopen = socket.onclose = () => told(Math.round(performance.now() - at))
  }))`)
  return run
}

const one = await page('127.0.0.1')
const failed = await one(`(async () => {
  const took = []
  for (let n = 0; n < 20; n++) took.push(await dial('ws://127.0.0.1:${port}/no'))
  return took
})()`)
const before = arrived.length
const other = one(`dial('ws://localhost:${port}/well')`)
await new Promise((resolve) => setTimeout(resolve, 500))
const wired = arrived.length - before
const took = await other
const two = await page('localhost')
const three = await page('127.0.0.1')
const together = await two(`Promise.all(Array.from({ length: 30 }, () => dial('ws://localhost:${port}/well')))`)
const given = arrived.length
const opened = await three(`(async () => {
  for (let n = 0; n < 17; n++) await dial('ws://127.0.0.1:${port}/no')
  let opened = 0
  for (let n = 0; n < 8; n++) {
    await new Promise((next) => {
      const socket = new WebSocket('ws://127.0.0.1:${port}/well')
      socket.onopen = () => opened++
      setTimeout(() => next(socket.close()), 700)
    })
  }
  return opened
})()`)
const reached = arrived.slice(given).filter((url) => url === '/well').length
call('Browser.close', {}).catch(() => {})
await once(chromium, 'exit')

console.log(product)
console.log(`  20 dials that fail, one after the other, take ${failed.join(', ')} ms`)
console.log(`  the next one, to another host, takes ${took} ms; after 500 ms the server has seen ${wired} of it`)
console.log(`  30 at once in another page, all accepted, take ${together.join(', ')} ms`)
console.log(`  after 17 that fail, of 8 to a server that is well, each given up after 700 ms, ${reached} reach it and ${opened} open`)
const same = reached === 0 && opened === 0 && Math.min(...failed.slice(0, 9)) < 500 && failed.slice(16).every((ms) => ms >= 950) && took >= 950 && wired === 0 &&
  Math.min(...together) < 500 && together.slice(-8).every((ms) => ms >= 950)
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
node see.mjs
