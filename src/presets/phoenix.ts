import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol } from '../protocol/raw.js'
import { isObject, moveIn } from './json.js'

export interface PhoenixMessage {
  readonly event: string
  readonly payload: unknown
}

export interface PhoenixOptions {
  /** What a channel is joined with. Default: nothing. */
  params?: (topic: string) => Record<string, unknown>
  /** What makes a broadcast the same on another node. Default: the payload's `id`. */
  identity?: (message: PhoenixMessage) => string | null
  /** The event, on any joined channel, that asks the client to move; its payload may bear `url`, `deadline` and `spread`. Default `reconnect`. */
  handover?: string
}

type Frame = [joinRef: string | null, ref: string | null, topic: string, event: string, payload: unknown]

/**
 * Phoenix channels, serializer 2.0.0: a URL such as `wss://example.com/socket/websocket?vsn=2.0.0`. A topic is a channel; a message's data
 * is `{ event, payload }`, and so is what is published, answered by the channel's reply. A new leg is ready when every channel has
 * answered its join there. Oracle: the frames of the npm package `phoenix`.
 */
export function phoenix({ params = () => ({}), identity = idOf, handover = 'reconnect' }: PhoenixOptions = {}): Protocol {
  return rawProtocol(() => {
    let ref = 0
    const next = () => String(++ref)
    const joins = new Map<string, string>()
    /** Channels that crashed and were joined anew, until they have answered. */
    const again = new Set<string>()
    /** Channels that crashed once more before that. */
    const crashed = new Set<string>()
    const waiting = new Set<string>()
    const pushes = new Map<string, string>()
    const write = (...frame: Frame) => JSON.stringify(frame)
    const join = (topic: string) => {
      const mine = next()
      joins.set(topic, mine)
      return write(mine, mine, topic, 'phx_join', params(topic))
    }
    const beat = () => write(null, next(), 'phoenix', 'heartbeat', {})

    return {
      name: 'phoenix',
      hello({ topics }) {
        const all = [...topics.keys()].map(join)
        for (const topic of topics.keys()) waiting.add(topic)
        return all.length > 0 ? all : beat()
      },
      ready(data) {
        const said = read(data)
        if (said?.event !== 'phx_reply') return false
        waiting.delete(said.topic)
        return waiting.size === 0
      },
      handover(data) {
        const said = read(data)
        return said?.event === handover && joins.has(said.topic) && moveIn(isObject(said.payload) ? said.payload : {})
      },
      ping: beat,
      pong: (data) => read(data)?.topic === 'phoenix',
      reply(data) {
        const said = read(data)
        if (!said || said.joinRef !== joins.get(said.topic)) return null
        if (said.event === 'phx_reply') again.delete(said.topic)
        // The channel's process crashed; one more join, as a second crash in a row is no accident.
        if (said.event !== 'phx_error') return null
        if (again.has(said.topic)) {
          crashed.add(said.topic)
          return null
        }
        again.add(said.topic)
        return join(said.topic)
      },
      refused(data) {
        const said = read(data)
        if (!said || said.joinRef === null || said.joinRef !== joins.get(said.topic)) return null
        if (said.event === 'phx_error' && crashed.delete(said.topic)) return { topic: said.topic, reason: 'the channel crashed, and crashed again when it was joined anew' }
        if (said.event === 'phx_close') return { topic: said.topic, reason: 'the server closed the channel' }
        if (said.event !== 'phx_reply' || said.ref !== said.joinRef || said.status === 'ok') return null
        return { topic: said.topic, reason: JSON.stringify(said.response) }
      },
      message(data) {
        const said = read(data)
        if (!said || said.event.startsWith('phx_') || !joins.has(said.topic)) return null
        // What was meant for an earlier join of the channel.
        if (said.joinRef !== null && said.joinRef !== joins.get(said.topic)) return null
        return { topic: said.topic, data: { event: said.event, payload: said.payload } }
      },
      identity: ({ data }) => identity(data as PhoenixMessage),
      subscribe: (topics) => [...topics.keys()].map(join),
      unsubscribe: (topics) =>
        topics.map((topic) => {
          const joined = joins.get(topic) ?? null
          joins.delete(topic)
          again.delete(topic)
          return write(joined, next(), topic, 'phx_leave', {})
        }),
      publish({ topic, data, id }) {
        const { event, payload } = isObject(data) ? data : {}
        if (typeof event !== 'string') throw new TypeError('what is published is { event, payload }')
        const mine = next()
        pushes.set(mine, id)
        return write(joins.get(topic) ?? null, mine, topic, event, payload ?? {})
      },
      answer(data) {
        const said = read(data)
        const id = said?.event === 'phx_reply' && said.ref !== null ? pushes.get(said.ref) : undefined
        if (id === undefined) return null
        pushes.delete(said!.ref!)
        return said!.status === 'ok' ? { id, data: said!.response } : { id, refused: JSON.stringify(said!.response), code: String(said!.status) }
      },
    }
  })
}

function idOf({ payload }: PhoenixMessage): string | null {
  const id = isObject(payload) ? payload['id'] : undefined
  return typeof id === 'string' || typeof id === 'number' ? String(id) : null
}

function read(data: string | ArrayBuffer) {
  if (typeof data !== 'string') return null
  const frame: unknown = JSON.parse(data)
  if (!Array.isArray(frame) || frame.length !== 5 || typeof frame[2] !== 'string' || typeof frame[3] !== 'string') return null
  const [joinRef, ref, topic, event, payload] = frame as Frame
  const { status, response } = isObject(payload) ? payload : {}
  return { joinRef, ref, topic, event, payload, status, response }
}
