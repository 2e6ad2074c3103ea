import { explain } from '../base/explanation.js'
import { perSession } from '../foreign/raw-session.js'
import { rawProtocol, type RawMessage } from '../foreign/raw.js'
import type { Protocol, WireData } from '../protocol/protocol.js'
import { awaited } from './awaited.js'
import { frameKeys } from './frame-keys.js'
import { isObject, handoverIn, section } from './json.js'
import { withQuery } from './query.js'
import { ENGINE, KIND, socketIoPackets, within, writePacket, type SocketIoPacket } from './socket-io-packets.js'

/** How a Socket.IO server is spoken to. */
export interface SocketIoOptions {
  /** Default: the main one, `/`. */
  namespace?: string
  /**
   * The event, and its arguments, by which the server lets this socket into a topic's room, and which it acknowledges.
   * Default: none, the server sends to everybody or knows the rooms itself.
   */
  join?: (topic: string) => readonly [event: string, ...args: unknown[]] | null
  /** The event by which it lets the socket out again, acknowledged or not. Default: none. */
  leave?: (topic: string) => readonly [event: string, ...args: unknown[]] | null
  /** The topic of an event; null for what is none. Default: the event's name. */
  topic?: (event: string, args: readonly unknown[]) => string | null
  /**
   * What makes an event the same on another socket. Default: the packet id that a server with `connectionStateRecovery`
   * puts behind the arguments of what is neither volatile nor to be acknowledged. Without either nothing is promised
   * about events in a handover.
   */
  identity?: (event: string, args: readonly unknown[]) => string | null
  /** Events that are emitted without asking for an acknowledgement: done when they are sent. Default: none. */
  send?: (event: string) => boolean
  /**
   * What a server's event that asks for an acknowledgement is answered, on the connection that brought it. Default:
   * nothing is.
   */
  acknowledge?: (event: string, args: readonly unknown[]) => readonly unknown[] | null
  /** What the handshake's `auth` is for the token of `getToken`. Default: `{ token }`. */
  auth?: (token: string) => Record<string, unknown>
  /**
   * Whether a refusal by the server's middleware is about the token. Default: where its `data.code` or `data.status` is
   * 401, or its message says unauthorized, not authorized, authentication, or token.
   */
  unauthorized?: (error: { readonly message: string; readonly data: unknown }) => boolean
  /**
   * The event by which the server asks to hand over; its first argument may bear `url`, `deadline` and `spread`.
   * Default `reconnect`.
   */
  handover?: string
  /**
   * Milliseconds for which both sockets live at least in a handover: longer than a message takes from one server to the
   * others through their adapter. Default 1,000.
   */
  leastOverlap?: number
}

/** What a session's legs have in common. */
interface Known {
  /** Those that serve, the newest last. */
  legs: Resume[]
  /** Of the last one that did: where the server may go on from after a break. */
  last: Resume | null
}

interface Resume {
  readonly leg: number
  /** The session as the server knows it, where it keeps one. */
  readonly pid: string
  /** Of the newest packet that came. */
  offset: string | undefined
}

/**
 * Its server refuses a namespace that it has not, and in order behind all that it had to say: a sign of life that needs
 * no line of its application.
 */
const PING = '/livesocket'

/**
 * A Socket.IO 4 server: a URL such as `wss://example.com/socket.io/` (`EIO=4&transport=websocket` is added). A topic is
 * an event; a message's data are its arguments, as handlers of its own client have them. A publish emits an event,
 * once, with its data as the argument or arguments (an array), and is answered by the first argument of the
 * acknowledgement; without one in `outbox.ackTimeout`, or before its leg is gone, it is `outcome-unknown`.
 *
 * With `connectionStateRecovery` on the server each event bears a packet id, which is the same on every socket: nothing
 * is lost or repeated in a handover; after a break the server sends what was missed, or a `gap` says that it did not. A
 * server asks its own clients to hand over by `io.local.emit('reconnect', { deadline: 20_000 })`. Oracle: `socket.io`.
 */
export function socketIo({
  namespace = '/',
  join = () => null,
  leave = () => null,
  topic = (event) => event,
  identity,
  send = () => false,
  acknowledge = () => null,
  auth = (token) => ({ token }),
  unauthorized = isAboutToken,
  handover = 'reconnect',
  leastOverlap = 1_000,
}: SocketIoOptions = {}): Protocol {
  const begin = (): Known => ({ legs: [], last: null })
  const sessions = perSession(begin)
  // Long because it is a table: what each frame means, a method each over the state of one leg at its top.
  return rawProtocol(() => {
    const packets = socketIoPackets()
    const { keyOf, frameOf } = frameKeys<SocketIoPacket>()
    let known = begin()
    let leg = 0
    let credentials: Record<string, unknown> = {}
    let wanted: readonly string[] = []
    /** What this leg asked to go on from. */
    let asked: Resume | null = null
    let mine: Resume | null = null
    let connected = false
    let count = 0
    /** Acknowledgements of joins by their id, until they come, and those that a first welcome waits for. */
    const joins = new Map<string, string>()
    const waiting = new Set<string>()
    const publishes = awaited<string>()

    const packetOf = (data: WireData, kind: number) => {
      const packet = frameOf(data)
      return packet?.kind === kind && packet.namespace === namespace ? packet : undefined
    }
    const eventIn = (data: WireData) => {
      const [event, ...args] = listIn(packetOf(data, KIND.event))
      return typeof event === 'string' ? { event, args } : null
    }
    /** A server that keeps a session puts it behind the arguments, but for what it wants to be acknowledged. */
    const packetIdIn = (data: WireData, args: readonly unknown[]) => {
      const last = args.at(-1)
      return frameOf(data)?.id === undefined && typeof last === 'string' ? last : null
    }
    const emit = (call: readonly unknown[] | null, id = '') =>
      call ? writePacket(KIND.event, namespace, id, call) : []
    const joined = (topics: Iterable<string>) =>
      [...topics].flatMap((name) => {
        const call = join(name)
        if (!call) return []
        joins.set(String(++count), name)
        return emit(call, String(count))
      })
    const connect = () => {
      const payload = asked ? { ...credentials, pid: asked.pid, offset: asked.offset } : credentials
      return `4${KIND.connect}${within(namespace)}${JSON.stringify(payload)}`
    }
    const connectAnswer = (data: WireData) => {
      const packet = connected ? undefined : packetOf(data, KIND.connect)
      return packet && (isObject(packet.data) ? packet.data : {})
    }
    const serves = (answer: Record<string, unknown>) => {
      connected = true
      const { pid } = answer
      // What a leg was sent before it serves has been noted in what it goes on from.
      mine = typeof pid === 'string' ? { leg, pid, offset: pid === asked?.pid ? asked.offset : undefined } : null
      if (mine) known.legs.push((known.last = mine))
    }

    return {
      name: 'socket.io',
      leastOverlap,
      hello(ask) {
        known = sessions(ask.session)
        leg = ask.leg
        wanted = [...ask.topics.keys()]
        credentials = ask.token === undefined ? {} : auth(ask.token)
        // A server lets one socket go on where another ended, and none where that one still is.
        asked = known.legs.length > 0 ? null : known.last
        return null
      },
      dial: ({ url, subprotocols }) => ({
        url: /[?&]EIO=/.test(url) ? url : withQuery(withQuery(url, 'EIO', '4'), 'transport', 'websocket'),
        subprotocols,
      }),
      split: (data) => packets(data).map(keyOf),
      waiting: () => (connected ? [...waiting].flatMap((id) => joins.get(id) ?? []) : null),
      begins(data) {
        const answer = connectAnswer(data)
        if (!answer || !asked || answer['pid'] === asked.pid) return null
        return wanted.map((name): RawMessage => ({ topic: name, data: undefined, head: true }))
      },
      ready(data) {
        const answer = connectAnswer(data)
        if (answer) serves(answer)
        else waiting.delete(packetOf(data, KIND.ack)?.id ?? '')
        return connected && waiting.size === 0
      },
      reply(data) {
        const packet = frameOf(data)
        if (packet?.engine === ENGINE.open) return connect()
        if (packet?.engine === ENGINE.ping) return '3'
        // A server that takes any namespace took this one.
        if (packet?.kind === KIND.connect && packet.namespace === PING) return `4${KIND.disconnect}${within(PING)}`
        if (connectAnswer(data)) {
          const calls = joined(wanted)
          for (const id of joins.keys()) waiting.add(id)
          return calls
        }
        const event = packet?.id === undefined ? null : eventIn(data)
        const answer = event && acknowledge(event.event, event.args)
        return answer && writePacket(KIND.ack, namespace, packet!.id!, answer)
      },
      unauthorized(data) {
        const error = refusalIn(packetOf(data, KIND.connectError))
        return error && unauthorized(error) && error.message
      },
      invalid(data) {
        const error = refusalIn(packetOf(data, KIND.connectError))
        return error && explain`the server refused the namespace: ${error.message}`
      },
      ended: (data) => packetOf(data, KIND.disconnect) && explain`the server disconnected this socket`,
      handover(data) {
        const said = eventIn(data)
        return said?.event === handover && handoverIn(isObject(said.args[0]) ? said.args[0] : {})
      },
      ping: () => `4${KIND.connect}${within(PING)}`,
      pong: (data) => frameOf(data)?.namespace === PING,
      message(data) {
        const said = eventIn(data)
        if (!said) return null
        const noted = mine ?? asked
        if (noted) noted.offset = packetIdIn(data, said.args) ?? noted.offset
        const name = topic(said.event, said.args)
        return name === null ? null : { topic: name, data: said.args }
      },
      identity({ data: args }, data) {
        if (identity) return identity(eventIn(data)!.event, args as unknown[])
        return (mine ?? asked) && packetIdIn(data, args as unknown[])
      },
      refused(data) {
        const packet = packetOf(data, KIND.ack)
        const name = packet && joins.get(packet.id!)
        if (name === undefined) return null
        joins.delete(packet!.id!)
        const { error } = section({ answer: listIn(packet)[0] }, 'answer')
        return error === undefined ? null : { topic: name, reason: String(error) }
      },
      subscribe: (topics) => joined(topics.keys()),
      unsubscribe: (topics) => topics.flatMap((name) => emit(leave(name))),
      publish({ topic: event, data, id }) {
        const call = [event, ...(Array.isArray(data) ? (data as unknown[]) : [data])]
        if (send(event)) return emit(call)
        publishes.set(String(++count), id)
        return emit(call, String(count))
      },
      unanswered: ({ topic: event }) => send(event),
      answer(data) {
        const packet = packetOf(data, KIND.ack)
        const id = packet && publishes.get(packet.id!)
        if (id === undefined) return null
        publishes.delete(packet!.id!)
        return { id, data: listIn(packet)[0] }
      },
      lost() {
        known.legs = known.legs.filter((one) => one.leg !== leg)
        if (known.legs.length > 0) known.last = known.legs.at(-1)!
        return []
      },
    }
  })
}

function listIn(packet: SocketIoPacket | undefined): unknown[] {
  return Array.isArray(packet?.data) ? (packet.data as unknown[]) : []
}

function refusalIn(packet: SocketIoPacket | undefined): { message: string; data: unknown } | null {
  if (!packet) return null
  const said = isObject(packet.data) ? packet.data : {}
  return { message: String(said['message'] ?? packet.data), data: said['data'] }
}

function isAboutToken({ message, data }: { message: string; data: unknown }): boolean {
  const { code, status } = isObject(data) ? data : {}
  return code === 401 || status === 401 || /unauthori[sz]ed|not authori[sz]ed|authentication|token/i.test(message)
}
