import { explain } from '../base/explanation.js'
import type { Protocol } from '../protocol/protocol.js'
import { perSession } from '../foreign/raw-session.js'
import { rawProtocol, type RawMessage } from '../foreign/raw.js'
import { isObject, handoverIn, objectIn, section } from './json.js'

/** Options of `graphqlWs()`. */
export interface GraphqlWsOptions {
  /**
   * The id of a subscription's result that is the same on another server, such as an event's id in `result.data`.
   * Without this function nothing is promised about subscriptions in a handover.
   */
  identity?: (result: Record<string, unknown>) => string | number | null | undefined
  /** What the token of `getToken` adds to the payload of `connection_init` on each leg. Default: `{ token }`. */
  connectionParams?: (token: string) => Record<string, unknown>
}

const TOPIC = 'data'

/** What the library has sent on a socket of its own. It is kept over that socket's legs. */
interface Library {
  init: Record<string, unknown> | null
  /** Running subscriptions by id: the library's `subscribe` message. */
  readonly running: Map<string, string>
  /** Legs that serve, the newest last. */
  legs: number[]
}

/**
 * The protocol `graphql-transport-ws` for a client library that creates its own WebSocket: `createClient({
 * webSocketImpl: LiveWebSocket.with({ protocol: graphqlWs({ identity }), once: true }) })`. On a new leg it repeats the
 * library's `connection_init`, with the current token of `getToken`, and the running subscriptions. The payload that
 * the library itself put there may have expired: if a server refuses it, the library sees a close and sends a new
 * `connection_init`. A query or mutation is never sent twice: its answer comes on the leg that carried it, and that leg
 * is kept until then. A subscription that a server ends because it shuts down continues on the next leg. Pings that the
 * library sends get their pongs.
 *
 * The server asks to hand over in a `ping`, whose payload may have details:
 * `{"type":"ping","payload":{"handover":{"deadline":30000}}}`. The protocol cannot say "this subscription has begun",
 * so both legs live for `handover.overlapLimit`, and each subscription switches to the new leg when both have brought
 * the same result. Tested against `graphql-ws`, client and server.
 */
export function graphqlWs({ identity, connectionParams = (token) => ({ token }) }: GraphqlWsOptions = {}): Protocol {
  const begin = (): Library => ({ init: null, running: new Map(), legs: [] })
  const sessions = perSession(begin)
  // Long because it is a table: what each frame means, one method each, over the state of one leg at its top.
  return rawProtocol(() => {
    let library = begin()
    let token: string | undefined
    let leg = 0
    let repeats = false
    /** The hello sends a `connection_init` of ours; its answer says that the leg serves. */
    let greets = false
    /** The server has asked to hand over: subscriptions that it ends from here on continue on the next leg. */
    let asked = false
    /** Ends that came meanwhile, kept until it is clear whether this leg goes on. */
    let ended: RawMessage[] = []
    /** Who sent each unanswered ping, in order. */
    const pings: ('library' | 'ours')[] = []
    /** Operations with one answer, which only this leg owes. */
    const owed = new Set<string>()

    const serving = () => library.legs.at(-1) === leg
    const init = () =>
      JSON.stringify({
        ...library.init,
        type: 'connection_init',
        ...(token !== undefined && {
          payload: { ...section(library.init ?? {}, 'payload'), ...connectionParams(token) },
        }),
      })

    const pass = (data: string | ArrayBuffer): RawMessage | null => {
      const said = objectIn(data)
      const id = String(said?.['id'])
      switch (said?.['type']) {
        case 'connection_ack':
          return repeats ? null : { topic: TOPIC, data, alone: true }
        case 'ping':
          return serving() ? { topic: TOPIC, data, alone: true } : null
        case 'pong':
          return { topic: TOPIC, data, alone: true }
        case 'next':
          return owed.has(id)
            ? { topic: TOPIC, data, alone: true }
            : library.running.has(id)
              ? { topic: TOPIC, data, stream: id }
              : null
        case 'error':
        case 'complete':
          if (owed.delete(id)) return { topic: TOPIC, data, alone: true }
          if (!library.running.has(id)) return null
          if (asked || !serving()) {
            ended.push({ topic: TOPIC, data, alone: true })
            return null
          }
          library.running.delete(id)
          return { topic: TOPIC, data, alone: true }
        default:
          return null
      }
    }

    return {
      name: 'graphql-ws',
      binary: false,
      subprotocols: ['graphql-transport-ws'],
      hello(ask) {
        library = sessions(ask.session)
        token = ask.token
        leg = ask.leg
        repeats = library.init !== null
        // On the first leg the library sends `connection_init` itself, on the topic that represents its socket.
        greets = repeats || (token !== undefined && !ask.topics.has(TOPIC))
        return greets ? init() : null
      },
      opened() {
        if (!greets) library.legs.push(leg)
        return !greets
      },
      ready(data) {
        const serves = objectIn(data)?.['type'] === 'connection_ack'
        if (serves) library.legs.push(leg)
        return serves
      },
      reply(data) {
        const said = objectIn(data)
        if (said?.['type'] === 'ping')
          return JSON.stringify({ type: 'pong', ...('payload' in said ? { payload: said['payload'] } : null) })
        return said?.['type'] === 'connection_ack' && repeats ? [...library.running.values()] : null
      },
      handover(data) {
        const said = objectIn(data)
        if (said?.['type'] !== 'ping') return false
        const { handover } = section(said, 'payload')
        const request = handover === true || (isObject(handover) && handoverIn(handover))
        asked ||= request !== false
        return request
      },
      ping() {
        pings.push('ours')
        return '{"type":"ping"}'
      },
      pong: (data) => objectIn(data)?.['type'] === 'pong' && pings.shift() === 'ours',
      marksEnd: false,
      message(data) {
        const said = pass(data)
        // The new leg is gone and this one goes on, so those subscriptions have really ended.
        const late = ended.length > 0 && !asked && serving() ? ended : []
        if (late.length > 0) ended = []
        for (const one of late) library.running.delete(String(objectIn(one.data as string)?.['id']))
        return said ? [...late, said] : late
      },
      ...(identity && {
        identity: (message) => {
          const name = identity(section(objectIn(message.data as string)!, 'payload'))
          return name == null ? null : String(name)
        },
      }),
      publish({ data }) {
        const said = objectIn(data as string)
        const id = String(said?.['id'])
        if (said?.['type'] === 'connection_init') {
          library.init = said
          return init()
        }
        // Pings are answered at once on their own leg, so the library's pong is not sent.
        if (said?.['type'] === 'pong') return []
        if (said?.['type'] === 'ping') pings.push('library')
        else if (said?.['type'] === 'complete') {
          library.running.delete(id)
          owed.delete(id)
        } else if (said?.['type'] === 'subscribe') {
          if (isSubscription(section(said, 'payload'))) library.running.set(id, data as string)
          else owed.add(id)
        }
        return data as string
      },
      owes: () => owed.size > 0,
      lost: () => {
        library.legs = library.legs.filter((one) => one !== leg)
        const gone = [...owed]
        owed.clear()
        const errors = [
          {
            message: explain`The connection was lost before the server answered: the operation may have been applied.`,
            extensions: { code: 'outcome-unknown' },
          },
        ]
        return gone.map((id) => ({
          topic: TOPIC,
          alone: true,
          data: JSON.stringify({ id, type: 'error', payload: errors }),
        }))
      },
    }
  })
}

/**
 * Whether the requested operation is a subscription, by its first word. A document with several operations must name
 * the requested one.
 */
function isSubscription({ query, operationName }: Record<string, unknown>): boolean {
  if (typeof query !== 'string') return false
  // Comments and strings may contain anything, so they are removed.
  const text = query.replace(/"""[\s\S]*?"""|"(?:\\.|[^"\\])*"|#[^\n]*/g, ' ')
  const operations: { kind: string; name: string }[] = []
  let depth = 0
  for (const [word] of text.matchAll(/[{}]|[_A-Za-z]\w*/g)) {
    if (word === '{') depth++
    else if (word === '}') depth--
    else if (depth === 0) {
      const last = operations.at(-1)
      if (word === 'query' || word === 'mutation' || word === 'subscription') operations.push({ kind: word, name: '' })
      else if (last && last.name === '') last.name = word
    }
  }
  const asked =
    typeof operationName === 'string' ? operations.find(({ name }) => name === operationName) : operations[0]
  return asked?.kind === 'subscription'
}
