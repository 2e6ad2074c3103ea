#!/usr/bin/env bash
# ioredis 6.0.0 with `enableAutoPipelining`: plain commands wait for the end of the event loop turn, but `multi()` and `pipeline()` do not. So a transaction
# overtakes a plain command that was called before it on the same connection. Without the option, and with node-redis (`redis` 6.3.1), which always
# pipelines, commands go out in the order of the calls. While one automatic pipeline is unanswered, further plain commands wait for its answer, and can be
# overtaken for a whole round trip.
# One would guess that the commands of one connection run in the order in which they were called, and that an option which needs "no other code change"
# does not alter that. The documentation says that commands are gathered, but not that some are left out.
# It matters where some messages are appended by XADD and others by a transaction that numbers them, or where PUBLISH follows a transaction: once somebody
# enables the option for speed, the order of a stream is no longer the order of the calls. Needs Node and npm. The server is a stand-in that records what
# arrives; no Redis is needed.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund ioredis@6.0.0 redis@6.3.1
cat > see.mjs <<'JS'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import Redis from 'ioredis'
import { createClient } from 'redis'

/** Answers each command 50 ms after it came, in order, and notes the values that are pushed. */
async function server() {
  const pushed = []
  const tcp = createServer((stream) => {
    let text = ''
    let queued = null
    stream.on('error', () => undefined)
    stream.on('data', (data) => {
      text += data
      for (let whole; (whole = /^\*(\d+)\r\n/.exec(text)); ) {
        const parts = text.slice(whole[0].length).split('\r\n')
        const count = 2 * Number(whole[1])
        if (parts.length <= count) return
        const words = parts.slice(0, count).filter((_, at) => at % 2)
        text = parts.slice(count).join('\r\n')
        const name = words[0].toLowerCase()
        if (name === 'rpush') pushed.push(words[2])
        let answer = name === 'hello' ? '*0\r\n' : '+OK\r\n'
        if (name === 'multi') queued = 0
        else if (name === 'exec') (answer = `*${queued}\r\n${'+OK\r\n'.repeat(queued)}`), (queued = null)
        else if (queued !== null) (answer = '+QUEUED\r\n'), queued++
        setTimeout(() => stream.write(answer), 50)
      }
    })
  })
  await once(tcp.listen(0, '127.0.0.1'), 'listening')
  return { port: tcp.address().port, pushed }
}

/** The order in which the server has what was called in the order of the alphabet: b and e in transactions, d and e while a to c are not answered. */
async function see(connect, transaction) {
  const { port, pushed } = await server()
  const client = await connect(port)
  const push = (value) => (client.rpush ?? client.rPush).call(client, 'list', value)
  const all = [push('a'), transaction(client, 'b'), push('c')]
  await new Promise((resolve) => setTimeout(resolve, 20))
  all.push(push('d'))
  await new Promise((resolve) => setTimeout(resolve, 10))
  all.push(transaction(client, 'e'))
  await Promise.all(all)
  client.disconnect?.()
  return pushed.join('')
}
const io = (enableAutoPipelining) => async (port) => {
  const client = new Redis({ port, host: '127.0.0.1', enableReadyCheck: false, enableAutoPipelining })
  await once(client, 'connect')
  return client
}
const node = async (port) => createClient({ socket: { port, host: '127.0.0.1' } }).on('error', () => undefined).connect()
const ioMulti = (client, value) => client.multi().rpush('list', value).exec()
const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version
const seen = {
  [`ioredis ${version('ioredis')}`]: await see(io(false), ioMulti),
  [`ioredis ${version('ioredis')} with enableAutoPipelining`]: await see(io(true), ioMulti),
  [`redis ${version('redis')}`]: await see(node, (client, value) => client.multi().rPush('list', value).exec()),
}
for (const [what, order] of Object.entries(seen)) console.log(`  ${what}: ${order}`)
const same = Object.values(seen).join() === 'abcde,baced,abcde'
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs
