import { generate, parser, type Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { writeConnect, writeDisconnect } from '../../src/presets/mqtt-connect.js'
import { filterTakes, isFilter } from '../../src/presets/mqtt-filter.js'
import { mqttPackets, PACKET, PROPERTY, writePacket, writeProperties } from '../../src/presets/mqtt-packets.js'

/** The packet as the codec of `mqtt-packet` reads it. */
function asOthersRead(data: ArrayBuffer, protocolVersion: 4 | 5) {
  const found: Packet[] = []
  const reader = parser({ protocolVersion })
  reader.on('packet', (packet) => found.push(packet))
  reader.on('error', (error: Error) => {
    throw error
  })
  reader.parse(Buffer.from(data))
  return found
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const properties = { userProperties: { 'message-id': 'm1' }, subscriptionIdentifier: 7, contentType: 'text/plain' }
const fromABroker: Packet[] = [
  { cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: true, properties: { serverKeepAlive: 30 } },
  {
    cmd: 'publish',
    topic: 'a/b',
    payload: Buffer.from('hello'),
    qos: 1,
    messageId: 9,
    dup: false,
    retain: true,
    properties,
  },
  { cmd: 'puback', messageId: 3, reasonCode: 0x87 },
  { cmd: 'suback', messageId: 4, granted: [1, 0x87] },
  { cmd: 'unsuback', messageId: 5, granted: [0] },
  { cmd: 'pingresp' },
  { cmd: 'disconnect', reasonCode: 0x8b, properties: { reasonString: 'bye' } },
]

describe('the packets of MQTT 5', () => {
  const bytes = Buffer.concat(fromABroker.map((packet) => generate(packet, { protocolVersion: 5 })))

  it('are read as another codec wrote them, wherever the stream is split', () => {
    for (let size = 1; size <= bytes.length; size++) {
      const split = mqttPackets(true)
      const found = []
      for (let at = 0; at < bytes.length; at += size)
        found.push(...split(new Uint8Array(bytes.subarray(at, at + size)).buffer))
      expect(found.map(({ type }) => type)).toEqual([2, 3, 4, 9, 11, 13, 14])
      const [connack, publish, puback, suback, , , disconnect] = found
      expect([connack!.present, connack!.codes, connack!.properties.get(PROPERTY.serverKeepAlive)]).toEqual([
        true,
        [0],
        [30],
      ])
      expect([publish!.topic, text(publish!.payload), publish!.id, publish!.flags]).toEqual(['a/b', 'hello', 9, 3])
      expect(publish!.properties.get(PROPERTY.user)).toEqual([['message-id', 'm1']])
      expect(publish!.properties.get(PROPERTY.subscription)).toEqual([7])
      expect([puback!.id, puback!.codes, suback!.codes]).toEqual([3, [0x87], [1, 0x87]])
      expect([disconnect!.codes, disconnect!.properties.get(PROPERTY.reason)]).toEqual([[0x8b], ['bye']])
    }
  })

  it.each([
    ['a length of five bytes', [0x30, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a text that ends after the packet', [0x30, 3, 0, 9, 1]],
    ['an unknown property', [0x30, 6, 0, 1, 97, 2, 0x7f, 1]],
  ])('are refused if malformed, and so is everything after them: %s', (_what, wrong) => {
    const split = mqttPackets(true)
    expect(() => split(new Uint8Array(wrong).buffer)).toThrow()
    expect(() => split(new Uint8Array([0xd0, 0]).buffer)).toThrow()
  })

  it('are written so that another codec reads them', () => {
    const connect = writeConnect({
      five: true,
      clientId: 'me',
      clean: false,
      keepAlive: 120_000,
      sessionExpiry: 60_000,
      will: { topic: 'gone', payload: 'me', qos: 1, retain: true, delay: 5_000 },
      credentials: { username: 'u', password: 'p' },
    })
    expect(asOthersRead(connect, 5)).toMatchObject([
      {
        cmd: 'connect',
        clientId: 'me',
        clean: false,
        keepalive: 120,
        username: 'u',
        properties: { sessionExpiryInterval: 60 },
        will: { topic: 'gone', qos: 1, retain: true, properties: { willDelayInterval: 5 } },
      },
    ])
    const publish = writePacket(PACKET.publish, 2, [
      'a',
      [2, 9],
      ...writeProperties([[PROPERTY.user, ['message-id', 'm1']]]),
      new Uint8Array(300),
    ])
    expect(asOthersRead(publish, 5)).toMatchObject([
      { cmd: 'publish', topic: 'a', messageId: 9, qos: 1, properties: { userProperties: { 'message-id': 'm1' } } },
    ])
    expect(asOthersRead(writeDisconnect(true, true), 5)).toMatchObject([
      { cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } },
    ])
  })
})

it('MQTT 3.1.1 works too, without properties', () => {
  const connect = writeConnect({
    five: false,
    clientId: 'me',
    clean: true,
    keepAlive: 60_000,
    sessionExpiry: 0,
    will: undefined,
    credentials: {},
  })
  expect(asOthersRead(connect, 4)).toMatchObject([{ cmd: 'connect', protocolVersion: 4, clientId: 'me', clean: true }])
  const bytes = generate({ cmd: 'publish', topic: 'a', payload: 'x', qos: 1, messageId: 1, dup: false, retain: false })
  const [publish] = mqttPackets(false)(new Uint8Array(bytes).buffer)
  expect([publish!.topic, text(publish!.payload)]).toEqual(['a', 'x'])
})

it.each([
  ['a/b', 'a/b', true],
  ['a/b', 'a/c', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a/b/c', false],
  ['+/+', '/b', true],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['#', 'a/b', true],
  ['#', '$SYS/x', false],
  ['$SYS/#', '$SYS/x', true],
])('the filter %s matches %s: %s', (filter, topic, takes) => {
  expect(filterTakes(filter, topic)).toBe(takes)
})

it.each(['', 'a/#/b', 'a#', 'a+/b', 'a\u0000'])('%j is not a valid filter', (filter) => {
  expect(isFilter(filter)).toBe(false)
})
