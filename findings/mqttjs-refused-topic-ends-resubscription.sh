#!/usr/bin/env bash
# MQTT.js 5.16.0 subscribes again by itself after a break (`resubscribe`, on by default). If the broker refuses one of several topics in a SUBSCRIBE
# packet, MQTT.js forgets all topics of that packet: the granted ones work until the first break, and then nobody subscribes to them again. The client is
# connected, and no error says so. One packet for each topic does not avoid this: with MQTT 3.1.1 the client resubscribes in a single packet. If one topic
# has become forbidden by then, the others still work on that connection, and are gone after the next break.
# One would guess that the granted topics are requested again, and only the refused one is not.
# The documentation does not mention it.
# It matters wherever permissions are per topic, and wherever they change: a user loses one room, and two breaks later hears nothing from any other.
# Needs Node and npm; the broker is aedes 1.2.0.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" && npm init -y > /dev/null && npm install --silent --no-audit --no-fund mqtt@5.16.0 aedes@1.2.0
cat > see.mjs <<'JS'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import mqtt from 'mqtt'

/** Of two breaks: after which of them `news` still arrives, when the client asks for `packets` and `club` is forbidden from connection `from` on. */
async function see(packets, from) {
  const broker = await Aedes.createBroker()
  const streams = new Set()
  let connections = 0
  let asked = 0
  broker.authorizeSubscribe = (_client, one, done) => done(null, one.topic === 'club' && connections >= from ? null : one)
  broker.on('client', () => connections++)
  broker.on('subscribe', () => asked++)
  const tcp = createServer((stream) => (streams.add(stream), broker.handle(stream)))
  await once(tcp.listen(0, '127.0.0.1'), 'listening')
  const client = mqtt.connect({ host: '127.0.0.1', port: tcp.address().port, reconnectPeriod: 50 })
  const got = []
  client.on('message', (_topic, payload) => got.push(String(payload)))
  await once(client, 'connect')
  for (const packet of packets) await client.subscribeAsync(packet).catch(() => undefined)
  for (const moment of ['at first', 'after one break', 'after two']) {
    if (moment !== 'at first') {
      const back = once(client, 'connect')
      for (const stream of streams) stream.destroy()
      streams.clear()
      await back
      // What it asks for again goes out with the connection: a round trip behind it is answered later.
      await client.publishAsync('nobody', '', { qos: 1 })
    }
    await new Promise((done) => broker.publish({ cmd: 'publish', topic: 'news', payload: moment, qos: 0, retain: false, dup: false }, done))
    await client.publishAsync('nobody', '', { qos: 1 })
  }
  if (!client.connected) got.push('not connected')
  await client.endAsync()
  tcp.close()
  await new Promise((done) => broker.close(done))
  return got.join(', ')
}

console.log(`mqtt ${JSON.parse(readFileSync('node_modules/mqtt/package.json', 'utf8')).version}: "news" arrives`)
const seen = {
  'both granted': await see([['news', 'club']], Infinity),
  'club refused, in one packet with news': await see([['news', 'club']], 1),
  'club refused, in a packet of its own': await see(['news', 'club'], 1),
  'club granted, and refused from the second connection on': await see(['news', 'club'], 2),
}
for (const [what, came] of Object.entries(seen)) console.log(`  ${what}: ${came}`)
const ALL = 'at first, after one break, after two'
const same = Object.values(seen).join('; ') === [ALL, 'at first', ALL, 'at first, after one break'].join('; ')
console.log(same ? 'as described' : 'CHANGED')
process.exit(same ? 0 : 1)
JS
timeout 60 node see.mjs
