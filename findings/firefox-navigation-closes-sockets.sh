#!/usr/bin/env bash
# Firefox ESR 153: as soon as a navigation starts, Firefox closes every WebSocket of the page, cleanly, with 1001, before it is known whether the page
# will be left. A link that turns out to be a download (or a 204) closes them too, and the page continues without them. `window.stop()` does the same, without
# a `beforeunload` for the page. A page that had an open socket does not go into the back/forward cache, even if it closes the socket in `pagehide`.
# Expected: as in Chromium 156, where a download leaves sockets alone and a page with an open socket goes into the cache.
# Why it matters: 1001 looks like a server that goes away, after which clients rightly stay away for a while, and a page cannot rely on
# coming back as it was. Needs Debian's firefox-esr and Node; starts Firefox headless, over WebDriver BiDi.
set -eu
command -v firefox-esr > /dev/null || { echo 'firefox-esr is not installed'; exit 1; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund ws@8.23.0
cat > see.mjs <<'JS'
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { WebSocket, WebSocketServer } from 'ws'

const http = createServer(({ url }, response) => {
  if (url === '/file') return response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Disposition': 'attachment; filename=x.bin' }).end('x')
  response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>x</title><script>
    window.log = []
    addEventListener('beforeunload', () => log.push('beforeunload'))
    addEventListener('pageshow', ({ persisted }) => log.push(persisted ? 'restored' : 'loaded'))
    window.dial = () => new Promise((open) => {
      const socket = window.socket = new WebSocket('ws://' + location.host)
      socket.onopen = open
      socket.onclose = ({ code, wasClean }) => log.push('closed ' + code + (wasClean ? ' clean' : ''))
    })</script>`)
})
new WebSocketServer({ server: http })
await once(http.listen(0, '127.0.0.1'), 'listening')
const origin = `http://127.0.0.1:${http.address().port}`

mkdirSync('profile')
const firefox = spawn('firefox-esr', ['--headless', '--no-remote', '--profile', 'profile', '--remote-debugging-port=0', 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] })
let said = ''
const address = await new Promise((resolve) => firefox.stderr.on('data', (chunk) => (said += chunk) && resolveWhen(resolve)))
function resolveWhen(resolve) { const found = /BiDi listening on (\S+)/.exec(said); if (found) resolve(found[1]) }
const wire = new WebSocket(`${address}/session`)
await once(wire, 'open')
const calls = new Map()
wire.on('message', (text) => { const answer = JSON.parse(text); calls.get(answer.id)?.(answer) })
const call = (method, params) => new Promise((resolve, reject) => {
  const id = calls.size + 1
  calls.set(id, ({ result, message }) => (result ? resolve(result) : reject(new Error(`${method}: ${message}`))))
  wire.send(JSON.stringify({ id, method, params }))
})
const { capabilities } = await call('session.new', { capabilities: {} })
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function see(path, act) {
  const { context } = await call('browsingContext.create', { type: 'tab' })
  const run = async (expression) => (await call('script.evaluate', { expression, target: { context }, awaitPromise: true })).result.value
  const go = (to) => call('browsingContext.navigate', { context, url: origin + to, wait: 'complete' })
  await go(path)
  await act({ run, go, back: () => call('browsingContext.traverseHistory', { context, delta: -1 }) })
  await sleep(2_000)
  return run("log.join(', ')")
}
const away = async ({ go, back }) => { await go('/away'); await sleep(500); await back() }
const seen = {
  download: await see('/1', async ({ run }) => { await run('dial()'); await run("void Object.assign(document.createElement('a'), { href: '/file' }).click()") }),
  stop: await see('/2', async ({ run }) => { await run('dial()'); await run('window.stop()') }),
  'back, no socket': await see('/3', away),
  'back, open socket': await see('/4', async (tab) => { await tab.run('dial()'); await away(tab) }),
  'back, closed in pagehide': await see('/5', async (tab) => { await tab.run("addEventListener('pagehide', () => socket.close()), dial()"); await away(tab) }),
}
call('browser.close', {}).catch(() => {})
await once(firefox, 'exit')
console.log(`Firefox ${capabilities.browserVersion}`)
for (const [what, log] of Object.entries(seen)) console.log(`  ${what}: ${log}`)
const expected = ['loaded, beforeunload, closed 1001 clean', 'loaded, closed 1001 clean', 'loaded, beforeunload, restored', 'loaded', 'loaded']
const same = Object.values(seen).join(';') === expected.join(';')
console.log(same ? 'as described' : `CHANGED: expected ${expected.join('; ')}`)
process.exit(same ? 0 : 1)
JS
node see.mjs
