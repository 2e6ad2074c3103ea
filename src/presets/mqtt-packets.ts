import { explain } from '../base/explanation.js'
import type { WireData } from '../protocol/protocol.js'

/** The control packets that a client of QoS 0 and 1 writes or reads. */
export const PACKET = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const

/** The properties of MQTT 5 that this client uses. */
export const PROPERTY = {
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  subscription: 0x0b,
  sessionExpiry: 0x11,
  serverKeepAlive: 0x13,
  willDelay: 0x18,
  reason: 0x1f,
  user: 0x26,
  subscriptionsAvailable: 0x29,
} as const

type Kind = 'byte' | 'two' | 'four' | 'variable' | 'text' | 'binary' | 'pair'
type Value = number | string | ArrayBuffer | readonly [string, string]
export type MqttProperties = ReadonlyMap<number, readonly Value[]>

/** MQTT 5, table 2-4. */
const KINDS: Record<Kind, readonly number[]> = {
  byte: [0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a],
  two: [0x13, 0x21, 0x22, 0x23],
  four: [0x02, 0x11, 0x18, 0x27],
  variable: [0x0b],
  text: [0x03, 0x08, 0x12, 0x15, 0x1a, 0x1c, 0x1f],
  binary: [0x09, 0x16],
  pair: [0x26],
}
const kindOf = (property: number) =>
  (Object.keys(KINDS) as Kind[]).find((kind) => KINDS[kind].includes(property)) ?? null

export interface MqttPacket {
  readonly type: number
  readonly flags: number
  /** The packet id of a PUBLISH with QoS 1, or of the packet that an acknowledgement answers. */
  readonly id: number | undefined
  /** The topic of a PUBLISH. */
  readonly topic: string | undefined
  readonly payload: Uint8Array
  /** Return or reason codes. A CONNACK and a DISCONNECT have one. */
  readonly codes: readonly number[]
  /** In a CONNACK: the broker has kept the session. */
  readonly present: boolean
  readonly properties: MqttProperties
}

const EMPTY = new Uint8Array(0)
const NONE: MqttProperties = new Map()
/** A broker's limit is 256 MiB. A page that receives even this much in one packet has another problem. */
const LARGEST = 64 * 1024 * 1024

/**
 * Cuts a stream into packets: a WebSocket message may hold several packets, or part of one. Throws on data that is no
 * packet, and on everything after it.
 */
export function mqttPackets(five: boolean): (data: WireData) => MqttPacket[] {
  let rest: Uint8Array = EMPTY
  let broken: unknown
  return (data) => {
    // Where the next packet begins is unknown from here on. The leg then answers no ping, and is replaced.
    if (broken) throw broken
    try {
      if (typeof data === 'string') throw new SyntaxError(explain`MQTT needs binary messages, and this one is text`)
      const fresh = new Uint8Array(data)
      const bytes = new Uint8Array(rest.length + fresh.length)
      bytes.set(rest)
      bytes.set(fresh, rest.length)
      const found: MqttPacket[] = []
      let at = 0
      for (let next; (next = packetAt(bytes, at, five)); at = next.end) found.push(next.packet)
      rest = bytes.slice(at)
      return found
    } catch (thrown) {
      rest = EMPTY
      throw (broken = thrown)
    }
  }
}

function packetAt(bytes: Uint8Array, at: number, five: boolean): { packet: MqttPacket; end: number } | null {
  let length = 0
  for (let place = 0; ; place++) {
    const byte = bytes[at + 1 + place]
    if (byte === undefined) return null
    if (place > 3) throw new SyntaxError(explain`an MQTT packet with an invalid length`)
    length += (byte & 127) * 128 ** place
    if (length > LARGEST) throw new RangeError(explain`an MQTT packet of more than 64 MiB`)
    if (byte >= 128) continue
    const from = at + 2 + place
    if (bytes.length < from + length) return null
    return { packet: read(bytes[at]!, bytes.subarray(from, from + length), five), end: from + length }
  }
}

function read(first: number, body: Uint8Array, five: boolean): MqttPacket {
  const [type, flags] = [first >> 4, first & 15]
  const reader = createReader(body)
  let [id, topic, present, codes, properties]: [number?, string?, boolean?, number[]?, MqttProperties?] = []
  if (type === PACKET.publish) {
    topic = reader.text()
    if (flags & 6) id = reader.two()
    if (five) properties = reader.properties()
    return packet({ payload: reader.rest() })
  }
  if (type === PACKET.connack) {
    present = (reader.byte() & 1) === 1
    codes = [reader.byte()]
    if (five && reader.left > 0) properties = reader.properties()
  } else if (type === PACKET.disconnect) {
    codes = [reader.left > 0 ? reader.byte() : 0]
    if (reader.left > 0) properties = reader.properties()
  } else if (type !== PACKET.pingresp) {
    id = reader.two()
    if (type === PACKET.puback) codes = [reader.left > 0 ? reader.byte() : 0]
    if (five && reader.left > 0) properties = reader.properties()
    codes ??= [...reader.rest()]
  }
  return packet({})

  function packet(more: { payload?: Uint8Array }): MqttPacket {
    return {
      type,
      flags,
      id,
      topic,
      payload: EMPTY,
      codes: codes ?? [],
      present: present ?? false,
      properties: properties ?? NONE,
      ...more,
    }
  }
}

function createReader(bytes: Uint8Array) {
  let at = 0
  const take = (count: number) => {
    if (at + count > bytes.length) throw new SyntaxError(explain`an MQTT packet that ends too early`)
    return bytes.subarray(at, (at += count))
  }
  const number = (count: number) => take(count).reduce((sum, byte) => sum * 256 + byte, 0)
  const reader = {
    get left() {
      return bytes.length - at
    },
    byte: () => number(1),
    two: () => number(2),
    text: () => new TextDecoder().decode(take(number(2))),
    rest: () => take(bytes.length - at).slice(),
    properties(): MqttProperties {
      const end = variable() + at
      const found = new Map<number, Value[]>()
      while (at < end) {
        const property = number(1)
        const values = found.get(property) ?? []
        found.set(property, [...values, value(property)])
      }
      return found
    },
  }
  const variable = () => {
    let sum = 0
    for (let place = 0; place < 4; place++) {
      const byte = number(1)
      sum += (byte & 127) * 128 ** place
      if (byte < 128) return sum
    }
    throw new SyntaxError(explain`an MQTT packet with a number that is too long`)
  }
  const value = (property: number): Value => {
    switch (kindOf(property)) {
      case 'byte':
        return number(1)
      case 'two':
        return number(2)
      case 'four':
        return number(4)
      case 'variable':
        return variable()
      case 'text':
        return reader.text()
      case 'binary':
        return take(number(2)).slice().buffer
      case 'pair':
        return [reader.text(), reader.text()]
      case null:
        throw new SyntaxError(explain`a property that MQTT 5 does not define`)
    }
  }
  return reader
}

/**
 * What a packet is made of: bytes, `[1 or 2 or 4, number]`, a text preceded by its length, or bytes preceded by theirs.
 */
export type Part = Uint8Array | readonly [size: 1 | 2 | 4, value: number] | string | { readonly sized: Uint8Array }

export function writePacket(type: number, flags: number, parts: readonly Part[]): ArrayBuffer {
  const body = joined(parts)
  return joined([[1, type * 16 + flags], variableOf(body.length), body]).buffer
}

/** The properties of a packet, preceded by their length. */
export function writeProperties(given: readonly (readonly [number, Value])[]): readonly Part[] {
  const body = joined(
    given.flatMap(([property, value]): Part[] => {
      const kind = kindOf(property)
      const [first, second] = Array.isArray(value) ? (value as readonly [string, string]) : []
      if (kind === 'pair') return [[1, property], first!, second!]
      if (kind === 'text') return [[1, property], value as string]
      if (kind === 'binary') return [[1, property], { sized: new Uint8Array(value as ArrayBuffer) }]
      if (kind === 'variable') return [[1, property], variableOf(value as number)]
      return [
        [1, property],
        [kind === 'byte' ? 1 : kind === 'two' ? 2 : 4, value as number],
      ]
    }),
  )
  return [variableOf(body.length), body]
}

function variableOf(number: number): Uint8Array {
  const bytes: number[] = []
  do bytes.push((number % 128) + (number >= 128 ? 128 : 0))
  while ((number = Math.floor(number / 128)) > 0)
  return new Uint8Array(bytes)
}

function joined(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.flatMap((part): Uint8Array[] => {
    if (part instanceof Uint8Array) return [part]
    if (typeof part === 'string') return sized(new TextEncoder().encode(part))
    if ('sized' in part) return sized(part.sized)
    const [size, value] = part
    return [Uint8Array.from({ length: size }, (_, at) => Math.floor(value / 256 ** (size - 1 - at)) % 256)]
  })
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function sized(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length > 65_535) throw new RangeError(explain`a text in MQTT has at most 65,535 bytes`)
  return [joined([[2, bytes.length]]), bytes]
}
