import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { createRelay } from '../kit/relay.js'
import { mqtt } from '../../src/presets/mqtt.js'
import { until } from '../server/kit.js'
import { startMosquitto } from './mosquitto.js'
import { oneToLast, speaking } from './stage.js'
import type { LiveSocketOptions } from '../../src/options/options.js'
import type { MqttOptions } from '../../src/presets/mqtt-options.js'

const textOf = (data: unknown) => (data as { payload: string }).payload

/** A client that follows a topic, and is live. */
async function client(
  url: LiveSocketOptions['url'],
  topic: string,
  options: MqttOptions = {},
  more: Partial<LiveSocketOptions> = {},
) {
  const spoken = speaking(url, mqtt(options), more)
  spoken.socket.subscribe(topic, (data) => spoken.seen.push(textOf(data)))
  spoken.socket.connect()
  await until(() => spoken.socket.store.getState().status === 'live', 'live')
  return spoken
}

it('loses, repeats and reorders nothing in handovers between two bridged brokers, at 500 messages a second, and publishes no will', async () => {
  const green = await startMosquitto()
  const blue = await startMosquitto({
    more: [
      'connection green',
      `address 127.0.0.1:${green.port}`,
      'bridge_protocol_version mqttv50',
      'topic news/# both 1',
      'topic gone both 1',
    ],
  })
  await until(() => green.said().includes('as '), 'the bridge')
  const brokers = [blue, green]
  let dials = 0
  const { socket, seen } = await client(() => brokers[dials++ % 2]!.url, 'news/#', {
    leastOverlap: 150,
    will: { topic: 'gone', payload: 'mover' },
  })
  const wills = (await client(green.url, 'gone')).seen
  const publisher = await client(blue.url, 'nothing')
  const operators = await Promise.all(brokers.map(({ url }) => client(url, 'nothing')))
  let sent = 0
  const timer = setInterval(() => void publisher.socket.publish('news/a', ++sent), 2)
  onTestFinished(() => clearInterval(timer))
  for (let move = 1; move <= 8; move++) {
    await operators[(dials - 1) % 2]!.socket.publish('livesocket/handover', { deadline: 20_000 })
    for (const operator of operators) expect(operator.socket.stats().reconnects).toBe(0)
    await until(() => socket.stats().handovers === move, `handover ${move}`)
  }
  clearInterval(timer)
  await until(() => seen.at(-1) === String(sent), 'the last')
  expect(seen.map(Number)).toEqual(oneToLast(seen.map(Number)))
  expect(wills).toEqual([])
})

it('resumes its MQTT session after a break and gets what the broker kept; if the broker kept nothing, there is a gap', async () => {
  const broker = await startMosquitto()
  const relay = createRelay({ target: { port: Number(new URL(broker.url).port) }, delay: 0 })
  await relay.ready
  onTestFinished(() => relay.close())
  const url = `ws://127.0.0.1:${relay.port}/`
  const spread = { reconnect: { spread: 400 } }
  const { socket, seen } = await client(url, 'news', {}, spread)
  const gaps: unknown[] = []
  socket.on('gap', ({ topic, from, to, reason }) => gaps.push({ topic, from, to, reason }))
  const publisher = await client(broker.url, 'nothing')
  let sent = 0
  const publish = async (count: number) => {
    for (let left = count; left > 0; left--) await publisher.socket.publish('news', ++sent)
  }
  await publish(5)
  await until(() => seen.length === 5, 'some')
  for (const connection of relay.connections()) connection.cut()
  await until(() => socket.store.getState().status === 'reconnecting', 'the break')
  await publish(20)
  await until(() => seen.length === 25, 'what was kept')
  expect([seen.map(Number), gaps]).toEqual([oneToLast(seen.map(Number)), []])
})

it('the broker publishes the will of a client that vanishes, and not of one that disconnects properly', async () => {
  const broker = await startMosquitto()
  const { seen } = await client(broker.url, 'gone/#')
  const will = (who: string) => ({ will: { topic: `gone/${who}`, payload: who } })
  const sockets: WebSocket[] = []
  class Kept extends WebSocket {
    constructor(address: string, protocols?: string[]) {
      super(address, protocols)
      sockets.push(this)
    }
  }
  const polite = await client(broker.url, 'x', will('polite'))
  await client(broker.url, 'x', will('cut'), { environment: { WebSocket: Kept }, reconnect: { spread: 60_000 } })
  polite.socket.close()
  sockets[0]!.terminate()
  await until(() => seen.length > 0, 'a will')
  expect(seen).toEqual(['cut'])
})

it('fetches a new token if the broker does not accept the password any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'livesocket-mosquitto-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'passwords')
  execFileSync('mosquitto_passwd', ['-c', '-b', file, 'livesocket', 'good'])
  const broker = await startMosquitto({ more: ['allow_anonymous false', `password_file ${file}`, 'user root'] })
  for (const version of ['5', '3.1.1'] as const) {
    let asked = 0
    await client(broker.url, 'news', { version }, { getToken: async () => (++asked === 1 ? 'old' : 'good') })
    expect(asked).toBe(2)
  }
})
