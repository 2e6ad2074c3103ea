import { explain } from '../base/explanation.js'
import { bytesOf, isBytes } from '../protocol/bytes.js'
import { byteLength, serialise, type Copied, type Replacer } from '../protocol/json.js'
import type { WireData } from '../protocol/protocol.js'
import { isObject } from './json.js'

/** The kinds of Engine.IO packets that a server sends over a WebSocket. */
export const ENGINE = { open: '0', ping: '2', message: '4' } as const
/** The kinds of Socket.IO packets, protocol 5. */
export const KIND = {
  connect: 0,
  disconnect: 1,
  event: 2,
  ack: 3,
  connectError: 4,
  binaryEvent: 5,
  binaryAck: 6,
} as const

/** What one or more pieces of data say: an Engine.IO packet, and the Socket.IO packet in it if there is one. */
export interface SocketIoPacket {
  readonly engine: string
  /** The Socket.IO kind, the same for binary packets; null if the Engine.IO packet has no Socket.IO packet. */
  readonly kind: number | null
  readonly namespace: string
  /** The id of an event that asks for an acknowledgement, or of an acknowledgement. */
  readonly id: string | undefined
  readonly data: unknown
}

/** No real event has more attachments than this. */
const MOST_ATTACHMENTS = 1_000

/** Reads data as it arrives. An event with binary parts is one packet, returned when all parts are there. */
export function socketIoPackets(): (data: WireData) => SocketIoPacket[] {
  let waiting: { packet: SocketIoPacket; left: number; parts: ArrayBuffer[] } | null = null
  return (data) => {
    if (typeof data !== 'string') {
      if (!waiting) throw new SyntaxError('a binary part of no event')
      waiting.parts.push(data)
      if (--waiting.left > 0) return []
      const { packet, parts } = waiting
      waiting = null
      return [{ ...packet, data: filled(packet.data, parts) }]
    }
    // Between an event and its parts the server sends nothing else but a ping.
    const engine = data.slice(0, 1)
    if (engine !== ENGINE.message)
      return [
        {
          engine,
          kind: null,
          namespace: '/',
          id: undefined,
          data: engine === ENGINE.open ? json(data.slice(1)) : null,
        },
      ]
    const [, kind = '', attachments, namespace = '/', id, body = ''] =
      /^4(\d)(?:(\d+)-)?(?:(\/[^,]*)(?:,|$))?(\d+)?([\s\S]*)$/.exec(data) ?? []
    if (kind === '') throw new SyntaxError('no Socket.IO packet')
    const binary = Number(kind) === KIND.binaryEvent || Number(kind) === KIND.binaryAck
    const packet = {
      engine,
      kind: binary ? Number(kind) - (KIND.binaryEvent - KIND.event) : Number(kind),
      namespace: namespace.split('?')[0]!,
      id,
      data: body === '' ? undefined : json(body),
    }
    if (!binary || !Number(attachments)) return [packet]
    if (Number(attachments) > MOST_ATTACHMENTS) throw new RangeError(explain`no event has that many binary parts`)
    waiting = { packet, left: Number(attachments), parts: [] }
    return []
  }
}

/** The pieces of an event or of an acknowledgement, in the order in which they are sent. */
export function writePacket(
  kind: number,
  namespace: string,
  id: string,
  args: readonly unknown[],
): readonly WireData[] {
  const parts: ArrayBuffer[] = []
  const body = JSON.stringify(args, apart(parts))
  const head = parts.length > 0 ? `${kind + KIND.binaryEvent - KIND.event}${parts.length}-` : String(kind)
  return [`4${head}${within(namespace)}${id}${body}`, ...parts]
}

/** A copy of data, with bytes wherever the data has some. */
export function copyOf(data: unknown): Copied {
  const parts: ArrayBuffer[] = []
  const text = serialise(data, apart(parts))
  if (parts.length === 0 || 'invalid' in text) return text
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, byteLength(text.json))
  return { whole: filled(json(text.json), parts), bytes }
}

/** Takes the bytes out of what is written, and leaves their numbers in their places. */
function apart(parts: ArrayBuffer[]): Replacer {
  return function (name, value) {
    // `value` is what Buffer's toJSON has made in Node; `this[name]` is still the buffer.
    const given = isBytes(this[name]) ? this[name] : value
    return isBytes(given) ? { _placeholder: true, num: parts.push(bytesOf(given)) - 1 } : value
  }
}

/** How a packet names its namespace. The main namespace has no name. */
export function within(namespace: string): string {
  return namespace === '/' ? '' : `${namespace},`
}

function json(text: string): unknown {
  return JSON.parse(text) as unknown
}

function filled(value: unknown, parts: readonly ArrayBuffer[]): unknown {
  if (Array.isArray(value)) return value.map((one) => filled(one, parts))
  if (!isObject(value)) return value
  if (value['_placeholder'] === true) return parts[value['num'] as number]
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filled(one, parts)]))
}
