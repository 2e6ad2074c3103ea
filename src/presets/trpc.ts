import type { Position } from '../protocol/frames.js'
import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol, type RawHello } from '../protocol/raw.js'
import { isObject, objectIn, section } from './json.js'

/**
 * A tRPC 11 server's WebSockets (`applyWSSHandler`), which says by `broadcastReconnectNotification()` that it goes. A topic is a subscription's
 * path, or `path?input` with the input as JSON; what it yields by `tracked(id, …)` is told apart by that id, and asked for from the
 * last one on, also after a break. A publish is a mutation: its topic is the path, its data the input. Oracle: `@trpc/server`.
 */
export function trpc(): Protocol {
  return rawProtocol(() => {
    const topics = new Map<number, string>()
    const ids = new Map<string, number>()
    /** Subscriptions of the hello that have not begun. */
    const waiting = new Set<number>()
    const mutations = new Map<number, string>()
    let id = 0
    let greeted = false
    /** The hello's own ping is nobody's heartbeat. */
    let greetings = 1
    let lastOf: RawHello['last'] = () => undefined

    function start(all: ReadonlyMap<string, Position | null>): string[] {
      return [...all.keys()].map((topic) => {
        const { path, input } = procedureOf(topic)
        topics.set(++id, topic)
        ids.set(topic, id)
        return JSON.stringify({ id, jsonrpc: '2.0', method: 'subscription', params: { path, input, lastEventId: lastOf(topic) } })
      })
    }

    return {
      name: 'trpc',
      hello(ask) {
        lastOf = ask.last
        const begun = start(ask.topics)
        for (const one of topics.keys()) waiting.add(one)
        // Where there is nothing to wait for, an answered ping says that the server serves.
        return [...begun, 'PING']
      },
      ready(data) {
        if (data === 'PONG') greeted = true
        const said = read(data)
        if (said && (said.type === 'started' || said.type === 'stopped' || said.error)) waiting.delete(said.id)
        return greeted && waiting.size === 0
      },
      handover: (data) => objectIn(data)?.['method'] === 'reconnect',
      ping: () => 'PING',
      pong: (data) => data === 'PONG' && --greetings < 0,
      // Its own keep-alive.
      reply: (data) => (data === 'PING' ? 'PONG' : null),
      subscribe: start,
      unsubscribe: (names) =>
        names.flatMap((topic) => {
          const known = ids.get(topic)
          ids.delete(topic)
          if (known !== undefined) {
            topics.delete(known)
            waiting.delete(known)
          }
          return known === undefined ? [] : [JSON.stringify({ id: known, jsonrpc: '2.0', method: 'subscription.stop' })]
        }),
      refused(data) {
        const said = read(data)
        const topic = said?.error ? topics.get(said.id) : undefined
        return topic === undefined ? null : { topic, reason: String(said!.error!['message']) }
      },
      message(data) {
        const said = read(data)
        const topic = said?.type === 'data' ? topics.get(said.id) : undefined
        if (topic === undefined) return null
        // With an id it is what tracked() made: the id and the data.
        return { topic, data: said!.event === undefined ? said!.data : section({ said: said!.data }, 'said')['data'] }
      },
      identity: (_message, data) => read(data)?.event ?? null,
      publish({ topic, data, id: publish }) {
        mutations.set(++id, publish)
        return JSON.stringify({ id, jsonrpc: '2.0', method: 'mutation', params: { path: topic, input: data } })
      },
      answer(data) {
        const said = read(data)
        const publish = said ? mutations.get(said.id) : undefined
        if (publish === undefined) return null
        mutations.delete(said!.id)
        if (!said!.error) return { id: publish, data: said!.data }
        return { id: publish, refused: String(said!.error['message']), code: String(section(said!.error, 'data')['code'] ?? 'refused') }
      },
    }
  })
}

/** `path`, or `path?input`. What is neither is left to the server, which knows no such path. */
function procedureOf(topic: string): { path: string; input?: unknown } {
  const at = topic.indexOf('?')
  if (at < 0) return { path: topic }
  try {
    return { path: topic.slice(0, at), input: JSON.parse(topic.slice(at + 1)) as unknown }
  } catch {
    return { path: topic }
  }
}

function read(data: string | ArrayBuffer) {
  const said = objectIn(data)
  if (typeof said?.['id'] !== 'number') return null
  const result = section(said, 'result')
  return {
    id: said['id'],
    type: result['type'],
    data: result['data'],
    event: typeof result['id'] === 'string' ? result['id'] : undefined,
    error: isObject(said['error']) ? said['error'] : null,
  }
}
