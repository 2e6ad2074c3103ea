#!/usr/bin/env bash
# tRPC 11.25.2: after a break, a subscription that yields `tracked(id, …)` resumes from the last id that the client received. With `wsLink`, one plain
# yield in between, such as "ada types", erases that id: the client returns without `lastEventId`, the server treats it as new, and what it missed is
# lost without an error. With `httpSubscriptionLink` the same client of the same procedure keeps the id and misses nothing.
# One would guess that the last id counts until there is another one, as in server-sent events, and that the two links differ in transport only.
# The documentation says that the client sends the last id it got. It does not say that a yield without an id erases it.
# It matters because short-lived notices are naturally yielded without an id, in the same procedure as the messages. Recovery works in a test without
# notices, and fails for any client whose last item was one. Needs Node and npm.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund @trpc/server@11.25.2 @trpc/client@11.25.2 eventsource@4.1.1 ws@8.23.0
cat > see.mjs <<'JS'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createTRPCClient, createWSClient, httpSubscriptionLink, wsLink } from '@trpc/client'
import { initTRPC, tracked } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { EventSource } from 'eventsource'
import { WebSocket, WebSocketServer } from 'ws'

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}
const links = {
  wsLink: (host) => wsLink({ client: createWSClient({ url: `ws://${host}`, WebSocket, retryDelayMs: () => 50 }) }),
  httpSubscriptionLink: (host) => httpSubscriptionLink({ url: `http://${host}`, EventSource }),
}

/** What a client gets of three messages, of which the second comes in a break; before it, where there is a `notice`, that without an id. */
async function see(link, notice) {
  const said = []
  const asked = []
  const t = initTRPC.create()
  const news = t.procedure.input((input) => input).subscription(async function* ({ input, signal }) {
    asked.push(input.lastEventId)
    let next = input.lastEventId === undefined ? said.length : said.findIndex(({ id }) => id === input.lastEventId) + 1
    for (; !signal.aborted; await new Promise((resolve) => setTimeout(resolve, 10)))
      for (; next < said.length; next++) yield said[next].id ? tracked(said[next].id, said[next].text) : said[next].text
  })
  const router = t.router({ news })
  const streams = new Set()
  const http = createHTTPServer({ router })
  http.on('connection', (stream) => (streams.add(stream), stream.on('close', () => streams.delete(stream))))
  applyWSSHandler({ wss: new WebSocketServer({ server: http }), router })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const got = []
  const client = createTRPCClient({ links: [links[link](`127.0.0.1:${http.address().port}`)] })
  // An item that is tracked comes as its id and its data.
  client.news.subscribe({}, { onData: (item) => got.push(item.data ?? item) })
  await until(() => asked.length === 1)
  said.push({ id: '1', text: 'one' })
  await until(() => got.includes('one'))
  if (notice) said.push({ text: notice })
  await until(() => !notice || got.includes(notice))
  for (const stream of streams) stream.destroy()
  await until(() => streams.size === 0)
  said.push({ id: '2', text: 'two' })
  await until(() => asked.length === 2)
  said.push({ id: '3', text: 'three' })
  await until(() => got.includes('three'))
  return `comes back ${asked[1] === undefined ? 'without an id' : `with the id ${asked[1]}`}, ${got.includes('two') ? 'has got' : 'has lost'} two`
}

console.log(`@trpc/client ${JSON.parse(readFileSync('node_modules/@trpc/client/package.json', 'utf8')).version}`)
const seen = []
for (const link of Object.keys(links))
  for (const notice of [undefined, 'ada types']) {
    seen.push(await see(link, notice))
    console.log(`  ${link}, ${notice ? 'a plain yield last' : 'tracked only'}: ${seen.at(-1)}`)
  }
const KEPT = 'comes back with the id 1, has got two'
const same = seen.join() === [KEPT, 'comes back without an id, has lost two', KEPT, KEPT].join()
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs
