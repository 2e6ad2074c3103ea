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

/** Options of `phoenix()`. */
export interface PhoenixOptions {
  /**
   * The parameters with which a channel is joined. `last` is the identity of the channel's last message, for a channel
   * that sends later messages again. Default: no parameters.
   */
  params?: (topic: string, last?: string) => Record<string, unknown>
  /**
   * True: the token of `getToken` is sent as `authToken` of Phoenix 1.8, in a subprotocol, for a socket with
   * `auth_token: true`. Default false: it is the parameter `token` of `connect/3`, in the URL.
   */
  authToken?: boolean
  /**
   * A name that the server gives each broadcast and that is the same on another node. It is not the id of the
   * broadcast's subject. Default: none, and nothing is promised about messages in a handover.
   */
  identity?: (message: PhoenixMessage) => string | null
  /**
   * The event, on any joined channel, that asks the client to hand over. Its payload may have `url`, `deadline` and
   * `spread`. Default `reconnect`.
   */
  handover?: string
  /**
   * The shortest time, in milliseconds, that both connections live in a handover. Default 3,000: Presence replicates
   * every 1.5 s. A user who leaves one node before the others know of the new connection would be absent for a moment.
   */
  leastOverlap?: number
  /**
   * The node's name, taken from the reply to a join. A handover that reaches the node that asked for it is tried again.
   * Default: the reply's `server`, if that is a string.
   */
  server?: (response: Record<string, unknown>) => string | undefined
}

type Frame = [joinRef: string | null, ref: string | null, topic: string, event: string, payload: unknown]

/**
 * Phoenix channels, serializer 2.0.0. The URL is one like `wss://example.com/socket/websocket` (the path of the socket,
 * then `/websocket`; `vsn=2.0.0` is added). A topic is a channel, and a message's data is `{ event, payload }`. The
 * reply to a join, unless it is empty, comes as the event `phx_join`. A publish is `{ event, payload }` as well, and
 * the channel's reply answers it. With `reply: false`, for a channel that does not reply, it settles when it is sent.
 * Phoenix does not recognise repeats, so a push is sent once: without a reply within `outbox.ackTimeout`, or before its
 * leg is gone, it is `outcome-unknown`. A new leg is ready when every channel has answered its join; a slow channel is
 * reported and not waited for any longer. On a leg that is being left `phx_leave` is sent, whose reply follows
 * everything that the channels had to send. Tested against the frames of the npm package `phoenix`.
 */
export function phoenix({
  params = () => ({}),
  authToken = false,
  identity,
  handover = 'reconnect',
  leastOverlap = 3_000,
  server = ({ server: name }) => (typeof name === 'string' ? name : undefined),
}: PhoenixOptions = {}): Protocol {
  // Long because it is a table: what each frame means, one method each, over the state of one leg at its top.
  return rawProtocol(() => {
    let ref = 0
    const next = () => String(++ref)
    const joins = new Map<string, string>()
    /** Channels that crashed and were joined again, until they have answered. */
    const again = new Set<string>()
    /** Channels that crashed once more before that. */
    const crashed = new Set<string>()
    const waiting = new Set<string>()
    let lastOf: RawHello['last'] = () => undefined
    /** Channels that this leg has left, each with the reference of its leave until the leave is answered. */
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
      binary: false,
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
        // The channel's process crashed. It is joined once more; a second crash in a row is no accident.
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
          return {
            topic: said.topic,
            reason: explain`the channel crashed, and crashed again after it was joined once more`,
          }
        if (said.event === 'phx_close')
          return { topic: said.topic, reason: explain`the server closed the channel`, ended: true }
        if (!joinReply(said) || said.status === 'ok') return null
        return { topic: said.topic, reason: JSON.stringify(said.response) }
      },
      message(data) {
        const said = read(data)
        if (!said || said.event.startsWith('phx_') || !joins.has(said.topic)) return null
        // A message for an earlier join of the channel.
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
        if (typeof event !== 'string') throw new TypeError(explain`the data of a publish must be { event, payload }`)
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

/** The frame if it answers a join. A join's reply has the join's own reference. */
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
