import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Aedes } from 'aedes'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { mqtt } from '../../src/presets/mqtt.js'
import { PACKET, writePacket, writeProperties } from '../../src/presets/mqtt-packets.js'
import { openCodec } from '../kit/open-codec.js'
import { until } from '../server/kit.js'
import { oneToLast, scripted, speaking } from './stage.js'

/** A real broker in this process: MQTT 3.1.1. */
async function aedes(authenticate?: (password: string) => boolean) {
  const broker = await Aedes.createBroker(
    authenticate && {
      authenticate: (_client, _name, password, done) => {
        if (authenticate(String(password))) return done(null, true)
        done(Object.assign(new Error('bad password'), { returnCode: 4 }) as never, null)
      },
    },
  )
  const http = createServer()
  const wss = new WebSocketServer({ server: http })
  wss.on('connection', (ws, request) => broker.handle(createWebSocketStream(ws) as never, request))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(async () => {
    for (const client of wss.clients) client.terminate()
    http.close()
    await new Promise<void>((resolve) => void broker.close(resolve))
  })
  return {
    broker,
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    cut: () => wss.clients.forEach((client) => client.terminate()),
  }
}

const payloads = (seen: readonly unknown[]) => seen.map((data) => (data as { payload: string }).payload)
const old = { version: '3.1.1', identity: ({ payload }: { payload: unknown }) => String(payload) } as const

it.each([0, 1] as const)(
  'loses, repeats and reorders nothing in handovers at aedes, at 500 messages a second, QoS %d',
  async (qos) => {
    const { broker, url } = await aedes()
    const { socket, seen } = speaking(url, mqtt({ ...old, qos, leastOverlap: 50 })).follow('news/+')
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    let sent = 0
    const publish = (topic: string, payload: string) =>
      broker.publish({ cmd: 'publish', topic, payload, qos, retain: false, dup: false }, () => {})
    const timer = setInterval(() => publish('news/a', String(++sent)), 2)
    onTestFinished(() => clearInterval(timer))
    for (let move = 1; move <= 10; move++) {
      publish('livesocket/handover', '{"deadline":20000}')
      await until(() => socket.stats().handovers === move, `handover ${move}`)
    }
    clearInterval(timer)
    await until(() => payloads(seen).at(-1) === String(sent), 'the last')
    const numbers = payloads(seen).map(Number)
    expect(numbers).toEqual(oneToLast(numbers))
  },
)

it('publishes text, binary and JSON, gets an answer with QoS 1, and reports an invalid topic', async () => {
  const { broker, url } = await aedes()
  const published: [string, string, number][] = []
  broker.on('publish', ({ topic, payload, qos }) => {
    if (topic.startsWith('out')) published.push([topic, String(payload), qos])
  })
  const { socket, seen, invalid } = speaking(
    url,
    mqtt({ ...old, qos: (topic) => (topic === 'out/0' ? 0 : 1), binary: true }),
  )
  const stop = socket.subscribe('out/#', (data) => seen.push(data))
  const refused: unknown[] = []
  socket.on('error', ({ error }) => refused.push(error.topic))
  socket.subscribe('a/#/b', () => {})
  socket.connect()
  await socket.publish('out/1', 'text')
  await socket.publish('out/1', { a: 1 })
  await socket.publish('out/0', new Uint8Array([104, 105]))
  await expect(socket.publish('out/+', 1)).rejects.toMatchObject({ code: 'refused' })
  await until(() => seen.length === 3 && published.length === 3, 'all of them')
  expect(published).toEqual([
    ['out/1', 'text', 1],
    ['out/1', '{"a":1}', 1],
    ['out/0', 'hi', 0],
  ])
  expect(new Uint8Array((seen[2] as { payload: ArrayBuffer }).payload)).toEqual(new Uint8Array([104, 105]))
  expect(refused).toEqual(['a/#/b'])
  stop()
  await socket.publish('out/1', 'more')
  expect([seen.length, invalid.length]).toEqual([3, 1])
})

it('begins a topic with its retained message, and does not repeat it in a handover', async () => {
  const { broker, url } = await aedes()
  const publish = (payload: string) =>
    new Promise<void>((resolve) =>
      broker.publish({ cmd: 'publish', topic: 'state', payload, qos: 1, retain: true, dup: false }, () => resolve()),
    )
  await publish('on')
  const { socket, seen } = speaking(url, mqtt({ ...old, leastOverlap: 0 })).follow('state')
  socket.connect()
  await until(() => seen.length === 1, 'what is retained')
  await socket.handover()
  await until(() => socket.stats().handovers === 1, 'the handover')
  await publish('off')
  await until(() => seen.length === 2, 'what is new')
  expect([payloads(seen), seen.map((data) => (data as { retained: boolean }).retained)]).toEqual([
    ['on', 'off'],
    [true, false],
  ])
})

it('sends the token as the password of each connection, and fetches a new one if the broker refuses it', async () => {
  const shown: string[] = []
  const { url } = await aedes((password) => (shown.push(password), password === 'good'))
  let asked = 0
  const { socket } = speaking(url, mqtt(old), { getToken: async () => (++asked === 1 ? 'old' : 'good') })
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live with the new one')
  expect([shown, asked]).toEqual([['old', 'good'], 2])
})

it('after each break it follows the topics that the broker grants, whatever the broker refuses', async () => {
  const { broker, url, cut } = await aedes()
  let connections = 0
  broker.on('client', () => connections++)
  broker.authorizeSubscribe = (_client, asked, done) => {
    const forbidden = asked.topic === 'secret' || (asked.topic === 'club' && connections > 1)
    done(null, forbidden ? null : asked)
  }
  const { socket, seen } = speaking(url, mqtt(old), { reconnect: { spread: 0 } })
    .follow('news')
    .follow('secret')
  socket.subscribe('club', () => undefined)
  socket.connect()
  const publish = (payload: string) =>
    broker.publish({ cmd: 'publish', topic: 'news', payload, qos: 1, retain: false, dup: false }, () => {})
  for (const breaks of [0, 1, 2]) {
    const live = () => socket.store.getState().status === 'live' && connections === breaks + 1
    await until(live, `live after ${breaks} breaks`)
    publish(String(breaks))
    await until(() => seen.length === breaks + 1, `what is said after ${breaks} breaks`)
    if (breaks < 2) cut()
  }
  expect(payloads(seen)).toEqual(['0', '1', '2'])
})

describe('at a scripted broker of MQTT 5', () => {
  const CONNACK = writePacket(PACKET.connack, 0, [[1, 0], [1, 0], ...writeProperties([])])
  const broker = (subacks: Record<string, number> = {}) =>
    scripted(
      () => {},
      (socket) =>
        socket.on('message', (bytes: Buffer) => {
          if (bytes[0] === 0x10) return socket.send(CONNACK)
          if (bytes[0] !== 0x82) return
          const topic = Object.keys(subacks).find((name) => bytes.includes(name))
          const codes = [1, subacks[topic ?? ''] ?? 1] as const
          socket.send(writePacket(PACKET.suback, 0, [[2, bytes.readUInt16BE(2)], ...writeProperties([]), codes]))
        }),
      'mqtt',
    )

  it('reports a topic that the broker refuses, and that nobody can ask for a handover, and serves the others', async () => {
    const server = await broker({ secret: 0x87, 'livesocket/handover': 0x87 })
    const { socket, seen, invalid } = speaking(server.url, mqtt()).follow('news').follow('secret')
    const refused: unknown[] = []
    socket.on('error', ({ error }) => refused.push([error.topic, error.message]))
    socket.connect()
    await until(() => invalid.length === 1, 'the refusal of the notice')
    server.legs[0]!.socket.send(
      writePacket(PACKET.publish, 0, ['news', ...writeProperties([[0x0b, 1]]), new TextEncoder().encode('hi')]),
    )
    await until(() => seen.length === 1, 'the message')
    expect([refused, invalid]).toEqual([
      [['secret', expect.stringContaining('not authorized')]],
      ['the broker refuses livesocket/handover, the topic of requests to hand over: not authorized'],
    ])
  })

  it.each([
    [0x8e, 'closed'],
    [0x8b, 'reconnecting'],
  ])('after DISCONNECT %s from the broker it is %s', async (code, status) => {
    const server = await broker()
    const { socket } = speaking(server.url, mqtt({ handover: null }))
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    server.legs[0]!.socket.send(writePacket(PACKET.disconnect, 0, [[1, code]]))
    server.legs[0]!.socket.close()
    await until(() => socket.store.getState().status === status, status)
  })

  it('keeps the old connection until its queue is empty: a ping answered after a queued message does not count as the end', () => {
    const codec = openCodec(mqtt({ handover: null }))
    codec.encode({ type: 'hello', session: 's', leg: 1, topics: new Map([['t', null]]) } as never)
    const told = (data: ArrayBuffer) => [codec.decode(data), codec.replies()] as const
    told(CONNACK)
    told(writePacket(PACKET.suback, 0, [[2, 1], ...writeProperties([]), [1, 1]]))
    const pingreq = writePacket(PACKET.pingreq, 0, [])
    const pong = writePacket(PACKET.pingresp, 0, [])
    const queued = writePacket(PACKET.publish, 2, ['t', [2, 7], ...writeProperties([[0x0b, 1]]), new Uint8Array(1)])
    codec.encode({ type: 'leave' })
    codec.replies()
    expect(told(writePacket(PACKET.unsuback, 0, [[2, 2], ...writeProperties([]), [1, 0]]))[1]).toEqual([pingreq])
    expect(told(queued)[0]).toMatchObject([{ type: 'message', topic: 't' }])
    expect(told(pong)).toEqual([[], [pingreq]])
    expect(told(pong)).toEqual([[{ type: 'drained' }], []])
  })
})

it.each([
  [{ keepAlive: 10 }],
  [{ sessionExpiry: -1 }],
  [{ version: '4' as '5' }],
  [{ qos: 2 as 1 }],
  [{ will: { topic: 't', payload: '', qos: 2 as 1 } }],
  [{ will: { topic: 't', payload: '', delay: Number.NaN } }],
])('refuses %o', (options) => {
  expect(() => mqtt(options)).toThrow(/^mqtt: /)
})
