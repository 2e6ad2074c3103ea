#!/usr/bin/env bash
# ioredis 6.0.0 with `commandTimeout`: a command that is called while Redis cannot be reached is rejected with "Command timed out", stays in the offline
# queue all the same, and is carried out when the connection is back. A caller that tries again after the error has both carried out. node-redis
# (`redis` 6.3.1) with `commandOptions: { timeout }` removes the command from its queue when it rejects it.
# One would guess that a rejected command which was never written will not be written any more.
# The documentation says that the error is thrown if a command gets no reply in time. The project's issue #2130 describes it, and is open.
# It matters to a server that appends messages to a stream: in an outage of a second each retry is one more copy, in an order that nobody called them
# in, and the caller knows of one. Either `enableOfflineQueue: false`, or an id by which Redis recognises the copy (a script, XADD with an explicit id).
# Needs Node and npm. The server is a stand-in that records what arrives; no Redis is needed.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund ioredis@6.0.0 redis@6.3.1
cat > see.mjs <<'JS'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import Redis from 'ioredis'
import { createClient } from 'redis'

const TIMEOUT = 300
/** Answers each command, and records the values that are pushed. */
const pushed = []
const streams = new Set()
const server = createServer((stream) => {
  let text = ''
  streams.add(stream)
  stream.on('error', () => undefined)
  stream.on('data', (data) => {
    text += data
    for (let whole; (whole = /^\*(\d+)\r\n/.exec(text)); ) {
      const parts = text.slice(whole[0].length).split('\r\n')
      const count = 2 * Number(whole[1])
      if (parts.length <= count) return
      const words = parts.slice(0, count).filter((_, at) => at % 2)
      text = parts.slice(count).join('\r\n')
      if (words[0].toLowerCase() === 'rpush') pushed.push(words[2])
      stream.write(words[0].toLowerCase() === 'hello' ? '*0\r\n' : '+OK\r\n')
    }
  })
})
const listen = (port) => once(server.listen(port, '127.0.0.1'), 'listening')

/** What a caller is told of a push in an outage and of the same one tried again behind it, and what the server has in the end. */
async function see(connect, push) {
  await listen(0)
  const { port } = server.address()
  const client = (await connect(port)).on('error', () => undefined)
  await push(client, 'before')
  const gone = Promise.all([...streams].map((stream) => once(stream, 'close')))
  server.close()
  for (const stream of streams) stream.destroy()
  await gone
  streams.clear()
  const told = [await push(client, 'first try').then(() => 'carried out', () => 'rejected')]
  // `once` of node:events would reject at the error of a try that comes too early.
  const back = new Promise((resolve) => client.once('ready', resolve))
  await listen(port)
  await back
  told.push(await push(client, 'second try').then(() => 'carried out', () => 'rejected'))
  ;(client.disconnect ?? client.destroy).call(client)
  server.close()
  for (const stream of streams) stream.destroy()
  streams.clear()
  return `told ${told.join(', ')}; the server has ${pushed.splice(0).join(', ')}`
}
const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version
const seen = {
  ioredis: await see(
    async (port) => {
      const client = new Redis({ port, host: '127.0.0.1', enableReadyCheck: false, commandTimeout: TIMEOUT })
      await once(client, 'ready')
      return client
    },
    (client, value) => client.rpush('list', value),
  ),
  redis: await see(
    (port) => createClient({ socket: { port, host: '127.0.0.1' }, commandOptions: { timeout: TIMEOUT } }).on('error', () => undefined).connect(),
    (client, value) => client.rPush('list', value),
  ),
}
for (const [name, what] of Object.entries(seen)) console.log(`  ${name} ${version(name)}: ${what}`)
const TOLD = 'told rejected, carried out; the server has before,'
const same = seen.ioredis === `${TOLD} first try, second try` && seen.redis === `${TOLD} second try`
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs
