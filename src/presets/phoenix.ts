import { explain } from '../base/explanation.js'
import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol, type RawHello } from '../foreign/raw.js'
import { awaited } from './awaited.js'
import { isObject, handoverIn } from './json.js'
import { withQuery } from './query.js'

/** A message of a Phoenix channel. */
export interface PhoenixMessage {
  readonly event: string
  readonly payload: unknown
}

/** How a Phoenix server is spoken to. */
export interface PhoenixOptions {
  /**
   * What a channel is joined with, given the identity of the last message that came of it, for a channel that sends
   * again what came behind that one. Default: nothing.
   */
  params?: (topic: string, last?: string) => Record<string, unknown>
  /**
   * The token of `getToken` goes as `authToken` of Phoenix 1.8, a subprotocol, for a socket with `auth_token: true`.
   * Default false: it is a parameter of `connect/3` in the URL, `token`.
   */
  authToken?: boolean
  /**
   * What makes a broadcast the same on another node: a name that the server gives each message, not the id of what it
   * is about. Default: nothing, and nothing is promised about messages in a handover.
   */
  identity?: (message: PhoenixMessage) => string | null
  /**
   * The event, on any joined channel, that asks the client to hand over; its payload may bear `url`, `deadline` and
   * `spread`. Default `reconnect`.
   */
  handover?: string
  /**
   * Milliseconds for which both connections live at least in a handover. Default 3,000: Presence replicates every 1.5
   * s, and who left one node before the other nodes know of the new connection would be gone for a moment.
   */
  leastOverlap?: number
  /**
   * The node's name in what a join is answered: a handover that lands on the one that asked for it is tried again.
   * Default: its `server`, where that is a text.
   */
  server?: (response: Record<string, unknown>) => string | undefined
}

type Frame = [joinRef: string | null, ref: string | null, topic: string, event: string, payload: unknown]

/**
 * Phoenix channels, serializer 2.0.0: a URL such as `wss://example.com/socket/websocket` (the path of the socket, and
 * `/websocket`; `vsn=2.0.0` is added). A topic is a channel; a message's data is `{ event, payload }`. What a join is
 * answered, where that is anything, comes as the event
 * `phx_join`. What is published is `{ event, payload }` as well, answered by the channel's reply; with `reply: false`
 * it is done when it is sent, for a channel that does not reply. Phoenix knows no repeats, so a push is sent once:
 * without a reply in `outbox.ackTimeout`, or before its leg is gone, it is `outcome-unknown`. A new leg is ready when
 * every channel has answered its join there; one that is slow is told, and waited for no longer. A leg that is left is
 * told `phx_leave`, whose reply comes behind all that its channels had to say. Oracle: the frames of the npm package
 * `phoenix`.
 */
export function phoenix({
  params = () => ({}),
  authToken = false,
  identity,
  handover = 'reconnect',
  leastOverlap = 3_000,
  server = ({ server: name }) => (typeof name === 'string' ? name : undefined),
}: PhoenixOptions = {}): Protocol {
  // Long because it is a table: what each frame means, a method each over the state of one leg at its top.
  return rawProtocol(() => {
    let ref = 0
    const next = () => String(++ref)
    const joins = new Map<string, string>()
    /** Channels that crashed and were joined anew, until they have answered. */
    const again = new Set<string>()
    /** Channels that crashed once more before that. */
    const crashed = new Set<string>()
    const waiting = new Set<string>()
    let lastOf: RawHello['last'] = () => undefined
    /** Channels that this leg has left, with the reference of the leave while it is unanswered. */
    const left = new Map<string, string | null>()
    const pushes = awaited<string>()
    let node: string | undefined
    const write = (...frame: Frame) => JSON.stringify(frame)
    const join = (topic: string) => {
      const mine = next()
      joins.set(topic, mine)
      left.delete(topic)
      return write(mine, mine, topic, 'phx_join', params(topic, lastOf(topic)))
    }
    const leave = (topic: string, mine = next()) => write(joins.get(topic) ?? null, mine, topic, 'phx_leave', {})
    const beat = () => write(null, next(), 'phoenix', 'heartbeat', {})

    return {
      name: 'phoenix',
      leastOverlap,
      hello({ topics, last }) {
        lastOf = last
        const all = [...topics.keys()].map(join)
        for (const topic of topics.keys()) waiting.add(topic)
        return all.length > 0 ? all : beat()
      },
      dial({ url, subprotocols }, token) {
        const spoken = /[?&]vsn=/.test(url) ? url : withQuery(url, 'vsn', '2.0.0')
        if (token === undefined) return { url: spoken, subprotocols }
        return authToken
          ? {
              url: spoken,
              subprotocols: ['phoenix', ...subprotocols, `base64url.bearer.phx.${btoa(token).replace(/=/g, '')}`],
            }
          : { url: withQuery(spoken, 'token', token), subprotocols }
      },
      ready(data) {
        const said = read(data)
        if (said?.event !== 'phx_reply') return false
        waiting.delete(said.topic)
        if (isObject(said.response)) node ??= server(said.response)
        return waiting.size === 0 && { server: node }
      },
      waiting: () => [...waiting],
      begins(data) {
        const said = joinReply(read(data))
        return said?.status === 'ok' && !isEmpty(said.response)
          ? { topic: said.topic, data: { event: 'phx_join', payload: said.response } }
          : null
      },
      invalid: (data) =>
        typeof data === 'string'
          ? null
          : explain`a binary frame, which phoenix() does not read: let the channel push JSON`,
      handover(data) {
        const said = read(data)
        return (
          said?.event === handover && joins.has(said.topic) && handoverIn(isObject(said.payload) ? said.payload : {})
        )
      },
      ping: beat,
      pong: (data) => read(data)?.topic === 'phoenix',
      leave() {
        return [...joins.keys()].map((topic) => {
          const mine = next()
          left.set(topic, mine)
          return leave(topic, mine)
        })
      },
      drained(data) {
        const said = read(data)
        if (said?.event !== 'phx_reply' || said.ref === null || left.get(said.topic) !== said.ref) return false
        left.set(said.topic, null)
        return [...left.values()].every((ref) => ref === null)
      },
      reply(data) {
        const said = read(data)
        if (!said || said.joinRef !== joins.get(said.topic)) return null
        if (said.event === 'phx_reply') again.delete(said.topic)
        // The channel's process crashed; one more join, as a second crash in a row is no accident.
        if (said.event !== 'phx_error' || left.has(said.topic)) return null
        if (again.has(said.topic)) {
          crashed.add(said.topic)
          return null
        }
        again.add(said.topic)
        return join(said.topic)
      },
      refused(data) {
        const said = read(data)
        if (!said || said.joinRef === null || said.joinRef !== joins.get(said.topic) || left.has(said.topic))
          return null
        if (said.event === 'phx_error' && crashed.delete(said.topic))
          return { topic: said.topic, reason: explain`the channel crashed, and crashed again when it was joined anew` }
        if (said.event === 'phx_close')
          return { topic: said.topic, reason: explain`the server closed the channel`, ended: true }
        if (!joinReply(said) || said.status === 'ok') return null
        return { topic: said.topic, reason: JSON.stringify(said.response) }
      },
      message(data) {
        const said = read(data)
        if (!said || said.event.startsWith('phx_') || !joins.has(said.topic)) return null
        // What was meant for an earlier join of the channel.
        if (said.joinRef !== null && said.joinRef !== joins.get(said.topic)) return null
        return { topic: said.topic, data: { event: said.event, payload: said.payload } }
      },
      ...(identity && { identity: ({ data }) => identity(data as PhoenixMessage) }),
      subscribe: (topics) => [...topics.keys()].map(join),
      unsubscribe: (topics) =>
        topics.map((topic) => {
          const said = leave(topic)
          for (const known of [joins, left, again, waiting]) known.delete(topic)
          return said
        }),
      publish({ topic, data, id }) {
        const { event, payload } = isObject(data) ? data : {}
        if (typeof event !== 'string') throw new TypeError(explain`what is published is { event, payload }`)
        const mine = next()
        if (!isObject(data) || data['reply'] !== false) pushes.set(mine, id)
        return write(joins.get(topic) ?? null, mine, topic, event, payload ?? {})
      },
      unanswered: ({ data }) => isObject(data) && data['reply'] === false,
      answer(data) {
        const said = read(data)
        const id = said?.event === 'phx_reply' && said.ref !== null ? pushes.get(said.ref) : undefined
        if (id === undefined) return null
        pushes.delete(said!.ref!)
        return said!.status === 'ok'
          ? { id, data: said!.response }
          : { id, refused: JSON.stringify(said!.response), code: String(said!.status) }
      },
    }
  })
}

type Said = NonNullable<ReturnType<typeof read>>

/** What answers a join; a join's reference is its own. */
function joinReply(said: Said | null): Said | null {
  return said?.event === 'phx_reply' && said.ref !== null && said.ref === said.joinRef ? said : null
}

function isEmpty(response: unknown): boolean {
  return response == null || (isObject(response) && Object.keys(response).length === 0)
}

function read(data: string | ArrayBuffer) {
  if (typeof data !== 'string') return null
  const frame: unknown = JSON.parse(data)
  if (!Array.isArray(frame) || frame.length !== 5 || typeof frame[2] !== 'string' || typeof frame[3] !== 'string')
    return null
  const [joinRef, ref, topic, event, payload] = frame as Frame
  const { status, response } = isObject(payload) ? payload : {}
  return { joinRef, ref, topic, event, payload, status, response }
}
