import { explain } from '../base/explanation.js'
import { perSession } from '../foreign/raw-session.js'
import { rawProtocol, type RawMessage } from '../foreign/raw.js'
import type { Protocol, WireData } from '../protocol/protocol.js'
import { awaited } from './awaited.js'
import { frameKeys } from './frame-keys.js'
import { isObject, handoverIn, section } from './json.js'
import { withQuery } from './query.js'
import { copyOf, ENGINE, KIND, socketIoPackets, within, writePacket, type SocketIoPacket } from './socket-io-packets.js'

/** Options of `socketIo()`. */
export interface SocketIoOptions {
  /** The namespace to connect to. Default: the main one, `/`. */
  namespace?: string
  /**
   * The event, with its arguments, by which the server lets this socket into a topic's room. The server must
   * acknowledge it. Default: none, for a server that sends to all or assigns rooms itself.
   */
  join?: (topic: string) => readonly [event: string, ...args: unknown[]] | null
  /** The event by which the server lets the socket out of the room again, acknowledged or not. Default: none. */
  leave?: (topic: string) => readonly [event: string, ...args: unknown[]] | null
  /** The topic of an event; null for an event that is no message. Default: the event's name. */
  topic?: (event: string, args: readonly unknown[]) => string | null
  /**
   * What makes an event the same on another socket. Default: the packet id that a server with `connectionStateRecovery`
   * appends to the arguments, unless the event is volatile or to be acknowledged. Without either, nothing is promised
   * about events in a handover.
   */
  identity?: (event: string, args: readonly unknown[]) => string | null
  /** Events that are emitted without asking for an acknowledgement: they settle when they are sent. Default: none. */
  send?: (event: string) => boolean
  /**
   * The arguments of the acknowledgement that a server's event asks for. It is sent on the connection that brought the
   * event. Default: none is sent.
   */
  acknowledge?: (event: string, args: readonly unknown[]) => readonly unknown[] | null
  /** The handshake's `auth` for the token of `getToken`. Default: `{ token }`. */
  auth?: (token: string) => Record<string, unknown>
  /**
   * Whether a refusal by the server's middleware is about the token. Default: true if its `data.code` or `data.status`
   * is 401, or its message contains unauthorized, not authorized, authentication, or token.
   */
  unauthorized?: (error: { readonly message: string; readonly data: unknown }) => boolean
  /**
   * The event by which the server asks to hand over. Its first argument may have `url`, `deadline` and `spread`.
   * Default `reconnect`.
   */
  handover?: string
  /**
   * The shortest time, in milliseconds, that both sockets live in a handover. It must exceed the time that a message
   * takes from one server to the others through their adapter. Default 1,000.
   */
  leastOverlap?: number
}

/** What the legs of a session share. */
interface Known {
  /** Legs that serve and have a session at the server, the newest last. */
  legs: Resume[]
  /** From where the server can resume after a break: the state of the last leg that served. */
  last: Resume | null
}

interface Resume {
  readonly leg: number
  /** The server's id of the session, if it keeps one. */
  readonly pid: string
  /** The id of the newest packet that arrived. */
  offset: string | undefined
}

/**
 * A namespace that the server does not have. It refuses this one in order, behind everything that it had to send: a
 * sign of life that needs no code in the application.
 */
const PING = '/livesocket'

/**
 * A Socket.IO 4 server. The URL is one like `wss://example.com/socket.io/` (`EIO=4&transport=websocket` is added). A
 * topic is an event, and a message's data are its arguments, as handlers of Socket.IO's own client get them. A publish
 * emits an event, once, with its data as the argument, or as the arguments if it is an array. The first argument of the
 * acknowledgement answers it. Without one within `outbox.ackTimeout`, or before its leg is gone, it is
 * `outcome-unknown`.
 *
 * With `connectionStateRecovery` on the server each event has a packet id that is the same on every socket. Nothing is
 * then lost or repeated in a handover; after a break the server sends what was missed, or a `gap` says that it did not.
 * A server asks its own clients to hand over by `io.local.emit('reconnect', { deadline: 20_000 })`. Tested against
 * `socket.io`.
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
  // Long because it is a table: what each frame means, one method each, over the state of one leg at its top.
  const protocol = rawProtocol(() => {
    const packets = socketIoPackets()
    const { keyOf, frameOf } = frameKeys<SocketIoPacket>()
    let known = begin()
    let leg = 0
    let credentials: Record<string, unknown> = {}
    let wanted: readonly string[] = []
    /** The session that this leg asked to resume. */
    let asked: Resume | null = null
    let mine: Resume | null = null
    let connected = false
    let count = 0
    /** The topics of joins without an acknowledgement, by their id, and those joins that the welcome waits for. */
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
    /**
     * The packet id in an event. A server that keeps sessions appends it to the arguments, unless the event asks for an
     * acknowledgement.
     */
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
      // Offsets of messages that came before the leg served are in `asked`, from which it resumes.
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
        // A server lets a socket resume a session that has ended, but not one that is still connected.
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
        // A server that accepts any namespace has accepted this one, so it is left again.
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
  return { ...protocol, copy: copyOf }
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
