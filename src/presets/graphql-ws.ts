import { explain } from '../base/explanation.js'
import type { Protocol } from '../protocol/protocol.js'
import { perSession } from '../foreign/raw-session.js'
import { rawProtocol, type RawMessage } from '../foreign/raw.js'
import { isObject, handoverIn, objectIn, section } from './json.js'

/** How a graphql-ws server is spoken to. */
export interface GraphqlWsOptions {
  /**
   * What makes a result of a subscription the same on another server: an event's id in `result.data`. Without it
   * nothing is promised of subscriptions in a handover.
   */
  identity?: (result: Record<string, unknown>) => string | number | null | undefined
  /** What the token of `getToken` adds to the payload of `connection_init`, on each leg. Default: `{ token }`. */
  connectionParams?: (token: string) => Record<string, unknown>
}

const TOPIC = 'data'

/** What the library has said on a socket of its own, which goes on over its legs. */
interface Library {
  init: Record<string, unknown> | null
  /** Subscriptions, by their id. */
  readonly running: Map<string, string>
  /** Legs that serve, the newest last. */
  legs: number[]
}

/**
 * The protocol `graphql-transport-ws` under a client library that makes a WebSocket of its own: `createClient({
 * webSocketImpl: LiveWebSocket.with({ protocol: graphqlWs({ identity }), once: true }) })`. On a new leg it repeats the
 * library's `connection_init`, with the token of `getToken` as it is by then, and its running subscriptions. What the
 * library itself put there may have expired: where a server refuses it, the library sees a close and greets anew. A
 * query or mutation is never sent twice: its answer comes on the leg that it went out on, which is kept for it. A
 * subscription that a server ends because it goes is carried on by the next one. Pings of the library have their pongs.
 *
 * The server asks to hand over in a `ping`, which may bear a payload:
 * `{"type":"ping","payload":{"handover":{"deadline":30000}}}`. The protocol has no word for "this subscription has
 * begun", so both legs live for `handover.overlapLimit`, and each subscription goes over when both have brought the
 * same result. Oracle: `graphql-ws`, client and server.
 */
export function graphqlWs({ identity, connectionParams = (token) => ({ token }) }: GraphqlWsOptions = {}): Protocol {
  const begin = (): Library => ({ init: null, running: new Map(), legs: [] })
  const sessions = perSession(begin)
  // Long because it is a table: what each frame means, a method each over the state of one leg at its top.
  return rawProtocol(() => {
    let library = begin()
    let token: string | undefined
    let leg = 0
    let repeats = false
    /** The hello was ours, and its answer says that the leg serves. */
    let greets = false
    /** The server has asked to hand over: what it ends from here on, the next one carries on. */
    let asked = false
    /** What it ended meanwhile, until it turns out that it is this leg which goes on. */
    let ended: RawMessage[] = []
    /** Whose pings are unanswered, in order. */
    const pings: ('library' | 'ours')[] = []
    /** Operations with one answer, which this leg alone owes. */
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
      subprotocols: ['graphql-transport-ws'],
      hello(ask) {
        library = sessions(ask.session)
        token = ask.token
        leg = ask.leg
        repeats = library.init !== null
        // The first time the library greets, on the topic that is its socket.
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
        // The new leg is gone, and this one goes on: so it was the end.
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
        // Each leg's pings are answered on that leg, at once.
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
            message: explain`The connection was lost before the server answered: it may have been applied.`,
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
 * Whether the operation that is asked for is a subscription, by its first word; several operations in one document need
 * a name.
 */
function isSubscription({ query, operationName }: Record<string, unknown>): boolean {
  if (typeof query !== 'string') return false
  // Comments and strings may hold anything.
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
