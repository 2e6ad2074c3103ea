import type { Protocol } from '../protocol/protocol.js'
import { perSession } from '../protocol/raw-session.js'
import { rawProtocol, type RawMessage } from '../protocol/raw.js'
import { isObject, moveIn, objectIn, section } from './json.js'

export interface GraphqlWsOptions {
  /** What makes a result of a subscription the same on another server: an event's id in `result.data`. Without it nothing is promised of subscriptions in a move. */
  identity?: (result: Record<string, unknown>) => string | number | null | undefined
}

const TOPIC = 'data'

/**
 * The protocol `graphql-transport-ws` under a client library that makes a WebSocket of its own: `createClient({ webSocketImpl:
 * LiveWebSocket.with({ protocol: graphqlWs({ identity }), once: true }) })`. On a new leg it repeats the library's `connection_init` and its
 * running subscriptions. A query or mutation is never sent twice: its answer comes on the leg that it went out on, which is kept for it.
 *
 * The server asks to move in a `ping`, which may bear a payload: `{"type":"ping","payload":{"handover":{"deadline":30000}}}`.
 * The protocol has no word for "this subscription has begun", so both legs live for `handover.overlapLimit`, and each subscription
 * goes over when both have brought the same result. Oracle: `graphql-ws`, client and server.
 */
export function graphqlWs({ identity }: GraphqlWsOptions = {}): Protocol {
  /** What the library has said on a socket of its own, which goes on over its legs. */
  const sessions = perSession(() => ({ init: null as string | null, running: new Map<string, string>() }))
  return rawProtocol(() => {
    let library: ReturnType<typeof sessions> = { init: null, running: new Map() }
    let repeats = false
    /** Operations with one answer, which this leg alone owes. */
    const owed = new Set<string>()

    const pass = (data: string | ArrayBuffer): RawMessage | null => {
      const said = objectIn(data)
      const id = String(said?.['id'])
      switch (said?.['type']) {
        case 'connection_ack':
          return repeats ? null : { topic: TOPIC, data, alone: true }
        case 'next':
          return owed.has(id) ? { topic: TOPIC, data, alone: true } : library.running.has(id) ? { topic: TOPIC, data, stream: id } : null
        case 'error':
        case 'complete':
          if (owed.delete(id)) return { topic: TOPIC, data, alone: true }
          return library.running.delete(id) ? { topic: TOPIC, data, alone: true } : null
        default:
          return null
      }
    }

    return {
      name: 'graphql-ws',
      subprotocols: ['graphql-transport-ws'],
      hello({ session }) {
        library = sessions(session)
        repeats = library.init !== null
        return library.init
      },
      opened: () => !repeats,
      ready: (data) => objectIn(data)?.['type'] === 'connection_ack',
      reply(data) {
        const said = objectIn(data)
        if (said?.['type'] === 'ping') return JSON.stringify({ type: 'pong', ...('payload' in said ? { payload: said['payload'] } : null) })
        return said?.['type'] === 'connection_ack' && repeats ? [...library.running.values()] : null
      },
      handover(data) {
        const said = objectIn(data)
        if (said?.['type'] !== 'ping') return false
        const { handover } = section(said, 'payload')
        return handover === true || (isObject(handover) && moveIn(handover))
      },
      ping: () => '{"type":"ping"}',
      pong: (data) => objectIn(data)?.['type'] === 'pong',
      marksEnd: false,
      message: pass,
      ...(identity && {
        identity: (message) => {
          const name = identity(section(objectIn(message.data as string)!, 'payload'))
          return name == null ? null : String(name)
        },
      }),
      publish({ data }) {
        const said = objectIn(data as string)
        const id = String(said?.['id'])
        if (said?.['type'] === 'connection_init') library.init = data as string
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
        const gone = [...owed]
        owed.clear()
        const errors = [{ message: 'The connection was lost before the server answered: it may have been applied.', extensions: { code: 'outcome-unknown' } }]
        return gone.map((id) => ({ topic: TOPIC, alone: true, data: JSON.stringify({ id, type: 'error', payload: errors }) }))
      },
    }
  })
}

/** Whether the operation that is asked for is a subscription, by its first word; several operations in one document need a name. */
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
  const asked = typeof operationName === 'string' ? operations.find(({ name }) => name === operationName) : operations[0]
  return asked?.kind === 'subscription'
}
