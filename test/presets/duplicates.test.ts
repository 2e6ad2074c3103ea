import { expect, it } from 'vitest'
import { graphqlWs } from '../../src/presets/graphql-ws.js'
import { mqtt } from '../../src/presets/mqtt.js'
import { PACKET, PROPERTY, writePacket, writeProperties } from '../../src/presets/mqtt-packets.js'
import { nats } from '../../src/presets/nats.js'
import { phoenix } from '../../src/presets/phoenix.js'
import { reconnectNotice } from '../../src/presets/reconnect-notice.js'
import { signalR } from '../../src/presets/signal-r.js'
import { socketIo } from '../../src/presets/socket-io.js'
import { trpc } from '../../src/presets/trpc.js'
import type { Protocol } from '../../src/protocol/protocol.js'
import { until } from '../server/kit.js'
import { scripted, speaking } from './stage.js'

type Said = string | ArrayBuffer | null

/** A server of one kind whose messages all have the same name. */
interface Kind {
  readonly protocol: Protocol
  readonly topic: string
  readonly opens?: string
  /** What the library on top sends first. */
  readonly says?: readonly string[]
  answers?(text: string): Said
  readonly message: Said
}

const json = JSON.stringify
const record = (...all: object[]) => all.map((one) => `${json(one)}\u001e`).join('')
const head = 'NATS/1.0\r\nNats-Msg-Id: same\r\n\r\n'

const kinds: Readonly<Record<string, Kind>> = {
  reconnectNotice: {
    protocol: reconnectNotice({ identity: ({ data }) => String((data as { id: number }).id) }),
    topic: 't',
    answers: (text) => (text.includes('ping') ? '{"type":"pong"}' : null),
    message: '{"topic":"t","data":{"id":7}}',
  },
  trpc: {
    protocol: trpc(),
    topic: 't',
    answers: (text) => (text === 'PING' ? 'PONG' : '{"id":1,"result":{"type":"started"}}'),
    message: '{"id":1,"result":{"type":"data","id":"same","data":1}}',
  },
  graphqlWs: {
    protocol: graphqlWs({ identity: (result) => (result as { data: { id: string } }).data.id }),
    topic: 'data',
    says: ['{"type":"connection_init"}', '{"type":"subscribe","id":"1","payload":{"query":"subscription { event }"}}'],
    answers: (text) => (text.includes('connection_init') ? '{"type":"connection_ack"}' : null),
    message: '{"type":"next","id":"1","payload":{"data":{"id":"same"}}}',
  },
  phoenix: {
    protocol: phoenix({ leastOverlap: 0, identity: ({ payload }) => String((payload as { id: number }).id) }),
    topic: 'room:1',
    answers(text) {
      const [joinRef, ref, topic] = JSON.parse(text) as unknown[]
      return json([joinRef, ref, topic, 'phx_reply', { status: 'ok', response: {} }])
    },
    message: json([null, null, 'room:1', 'said', { id: 7 }]),
  },
  signalR: {
    protocol: signalR({ identity: ([id]) => String(id) }),
    topic: 't',
    answers(text) {
      const { invocationId, protocol } = JSON.parse(text.split('\u001e')[0]!) as Record<string, unknown>
      return protocol === undefined ? record({ type: 3, invocationId, error: 'no such method' }) : record({})
    },
    message: record({ type: 1, target: 't', arguments: [7] }),
  },
  nats: {
    protocol: nats(),
    topic: 't',
    opens: 'INFO {"server_id":"N"}\r\n',
    answers: (text) => (text.includes('PING') ? 'PONG\r\n' : null),
    message: `HMSG t 1 ${head.length} ${head.length + 2}\r\n${head}hi\r\n`,
  },
  socketIo: {
    protocol: socketIo({ identity: (_event, [id]) => String(id) }),
    topic: 't',
    opens: '0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}',
    answers: (text) => (text.startsWith('40/') ? '44/livesocket,{"message":"Invalid namespace"}' : '40{"sid":"s"}'),
    message: '42["t",7]',
  },
  mqtt: {
    protocol: mqtt({ handover: null }),
    topic: 't',
    // Only the first byte of CONNECT is text.
    answers(text) {
      const none = writeProperties([])
      if (text.includes('MQTT')) return writePacket(PACKET.connack, 0, [[1, 0], [1, 0], ...none]) as ArrayBuffer
      if (text.length < 4) return writePacket(PACKET.pingresp, 0, []) as ArrayBuffer
      const id = 256 * text.charCodeAt(2) + text.charCodeAt(3)
      return writePacket(PACKET.suback, 0, [[2, id], ...none, [1, 0]]) as ArrayBuffer
    },
    message: writePacket(PACKET.publish, 0, [
      't',
      ...writeProperties([[PROPERTY.user, ['message-id', 'same']]]),
    ]) as ArrayBuffer,
  },
}

it.each(Object.entries(kinds))(
  'delivers everything that one connection brings, even with equal identities; an identity counts only between two connections: %s',
  async (_name, { protocol, topic, opens, says = [], answers, message }) => {
    const server = await scripted(
      (text, socket) => {
        const said = answers?.(text) ?? null
        if (said !== null) socket.send(said)
      },
      (socket) => opens !== undefined && socket.send(opens),
      protocol.subprotocols[0],
    )
    const { socket, seen, invalid } = speaking(server.url, protocol).follow(topic)
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    for (const text of says) void socket.publish(topic, text)
    await until(() => says.every((text) => server.legs[0]!.received.includes(text)), 'what the library says')
    await until(() => seen.length === Math.min(says.length, 1), 'its answer')
    seen.length = 0
    for (let times = 3; times > 0; times--) server.legs[0]!.socket.send(message!)
    await until(() => seen.length === 3, 'all three')
    expect([protocol.merge, invalid]).toEqual(['identity', []])
  },
)
