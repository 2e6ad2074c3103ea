import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { sleep, until } from '../../../test/kit/wait.js'
import { mqtt } from '../../../src/presets/mqtt.js'
import type { MqttMessage } from '../../../src/presets/mqtt-options.js'
import { createLiveSocket } from '../../../src/socket/whole-socket.js'
import { freePort } from '../../../test/kit/free-port.js'
import { atPort, type ForeignServer } from './server.js'

/** `mosquitto`: MQTT 5 with QoS 0 or 1; messages are identified by `message-id`. */
export async function start(qos: 0 | 1): Promise<ForeignServer> {
  const [plain, port] = [await freePort(), await freePort()]
  const folder = mkdtempSync(join(tmpdir(), 'livesocket-mosquitto-'))
  const config = join(folder, 'mosquitto.conf')
  // 2.0.11 does not start with only a WebSocket listener on an address of its own.
  const listeners = `listener ${plain} 127.0.0.1\nlistener ${port} 127.0.0.1\nprotocol websockets\n`
  // By default 20 messages are in flight at a time, which over 50 ms is 400 a second, and at most 1,000 more wait:
  // further ones are dropped.
  writeFileSync(config, `max_inflight_messages 500\n${listeners}allow_anonymous true\n`)
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin`
  const child = spawn('mosquitto', ['-c', config], { stdio: 'ignore', env: { ...process.env, PATH: path } })
  child.on('error', () => {})
  const publisher = createLiveSocket<Record<string, unknown>>({
    url: atPort(port),
    protocol: mqtt({ qos, handover: null }),
    outbox: { maxMessages: 100_000, maxBytes: 2 ** 26 },
    environment: { WebSocket },
    reconnect: { spread: 0 },
    debug: false,
  })
  publisher.connect()
  await until(() => publisher.store.getState().status === 'live', 10_000, 'mosquitto')
  const publish = (topic: string, data: unknown) => void publisher.publish(topic, data).catch(() => {})
  return {
    port,
    url: atPort,
    protocol: mqtt({ qos, leastOverlap: 100 }),
    topic: 'ticks/#',
    numberIn: (data) => Number((data as MqttMessage).payload),
    tell: (number) => publish('ticks/a', number),
    askToMove: () => publish('livesocket/handover', { deadline: 20_000 }),
    async close() {
      publisher.close()
      child.kill('SIGKILL')
      await sleep(50)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
