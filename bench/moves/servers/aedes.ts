import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Aedes } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { mqtt } from '../../../src/presets/mqtt.js'
import type { MqttMessage } from '../../../src/presets/mqtt-options.js'
import { atPort, type ForeignServer } from './server.js'

/** `aedes`: MQTT 3.1.1, QoS 1; messages are identified by their payload. */
export async function start(): Promise<ForeignServer> {
  const broker = await Aedes.createBroker()
  const http = createServer()
  const wss = new WebSocketServer({ server: http })
  wss.on('connection', (ws, request) => broker.handle(createWebSocketStream(ws) as never, request))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  // One publish after the other: aedes handles concurrent ones by recursion.
  let last = Promise.resolve()
  const publish = (topic: string, payload: string) => {
    const packet = { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false } as const
    last = last.then(() => new Promise((done) => void broker.publish(packet, () => done())))
  }
  return {
    port: (http.address() as AddressInfo).port,
    url: atPort,
    protocol: mqtt({ version: '3.1.1', identity: ({ payload }) => String(payload), leastOverlap: 100 }),
    topic: 'ticks/+',
    numberIn: (data) => Number((data as MqttMessage).payload),
    tell: (number) => publish('ticks/a', String(number)),
    askToMove: () => publish('livesocket/handover', '{"deadline":20000}'),
    async close() {
      for (const client of wss.clients) client.terminate()
      http.close()
      await new Promise<void>((resolve) => void broker.close(resolve))
    },
  }
}
