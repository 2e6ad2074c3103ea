import { explain } from '../base/explanation.js'
import type { Position } from '../protocol/frames.js'
import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol, type RawHello } from '../foreign/raw.js'
import { awaited } from './awaited.js'
import { isObject, objectIn, section } from './json.js'
import { withQuery } from './query.js'

/** Options of `trpc()`. */
export interface TrpcOptions {
  /** What `createContext` finds as `info.connectionParams` if there is a token. Default: `{ token }`. */
  connectionParams?: (token: string) => Record<string, string>
}

/**
 * The WebSockets of a tRPC 11 server (`applyWSSHandler`), which announces its end by
 * `broadcastReconnectNotification()`. A topic is a subscription's path, or `path?input` with the input as JSON. What
 * the subscription yields by `tracked(id, …)` is identified by that id, and a new leg asks for everything after the
 * last id, also after a break. What it yields without an id has no identity, and nothing is promised about it in a
 * handover. A publish is a mutation: its topic is the path, its data the input. It is sent once; without an answer
 * within `outbox.ackTimeout`, or before its leg is gone, it is `outcome-unknown`. The token of `getToken` is sent as
 * tRPC's connection params. If `createContext` throws UNAUTHORIZED a new one is fetched. Tested against `@trpc/server`.
 */
export function trpc({ connectionParams = (token) => ({ token }) }: TrpcOptions = {}): Protocol {
  return rawProtocol(() => {
    const topics = new Map<number, string>()
    const ids = new Map<string, number>()
    /** Subscriptions of the hello that have not begun. */
    const waiting = new Set<number>()
    const mutations = awaited<string>()
    let id = 0
    let greeted = false
    /** The data at hand answers the hello's own ping, not a ping of the heartbeat. */
    let isGreeting = false
    let lastOf: RawHello['last'] = () => undefined

    function start(all: ReadonlyMap<string, Position | null>): string[] {
      return [...all.keys()].map((topic) => {
        const { path, input } = procedureOf(topic)
        topics.set(++id, topic)
        ids.set(topic, id)
        return JSON.stringify({
          id,
          jsonrpc: '2.0',
          method: 'subscription',
          params: { path, input, lastEventId: lastOf(topic) },
        })
      })
    }

    return {
      name: 'trpc',
      binary: false,
      hello(ask) {
        lastOf = ask.last
        const begun = start(ask.topics)
        for (const one of topics.keys()) waiting.add(one)
        const params =
          ask.token === undefined
            ? []
            : [JSON.stringify({ method: 'connectionParams', data: connectionParams(ask.token) })]
        // If there are no subscriptions to wait for, the answered ping says that the server serves.
        return [...params, ...begun, 'PING']
      },
      dial: ({ url, subprotocols }, token) => ({
        url: token === undefined || /[?&]connectionParams=/.test(url) ? url : withQuery(url, 'connectionParams', '1'),
        subprotocols,
      }),
      waiting: () => [...waiting].flatMap((one) => topics.get(one) ?? []),
      unauthorized(data) {
        const error = connectionError(data)
        return error && codeOf(error) === 'UNAUTHORIZED' && String(error['message'])
      },
      invalid(data) {
        const error = connectionError(data)
        return error && `the server said: ${String(error['message'])}`
      },
      ready(data) {
        const said = read(data)
        if (said && (said.type === 'started' || said.type === 'stopped' || said.error)) waiting.delete(said.id)
        return greeted && waiting.size === 0
      },
      handover: (data) => objectIn(data)?.['method'] === 'reconnect',
      ping: () => 'PING',
      pong: (data) => data === 'PONG' && !isGreeting,
      reply(data) {
        isGreeting = data === 'PONG' && !greeted
        greeted ||= isGreeting
        // The server's own keep-alive.
        return data === 'PING' ? 'PONG' : null
      },
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
        const topic = said?.error || said?.type === 'stopped' ? topics.get(said.id) : undefined
        if (topic === undefined) return null
        topics.delete(said!.id)
        return said!.error
          ? { topic, reason: String(said!.error['message']) }
          : { topic, reason: explain`the procedure of this subscription has ended`, ended: true }
      },
      message(data) {
        const said = read(data)
        const topic = said?.type === 'data' ? topics.get(said.id) : undefined
        if (topic === undefined) return null
        // With an id it was made by tracked(), and contains the id and the data.
        return { topic, data: said!.event === undefined ? said!.data : section({ said: said!.data }, 'said')['data'] }
      },
      identity: (_message, data) => read(data)?.event ?? null,
      publish({ topic, data, id: publish }) {
        mutations.set(String(++id), publish)
        return JSON.stringify({ id, jsonrpc: '2.0', method: 'mutation', params: { path: topic, input: data } })
      },
      answer(data) {
        const said = read(data)
        const publish = said ? mutations.get(String(said.id)) : undefined
        if (publish === undefined) return null
        mutations.delete(String(said!.id))
        if (!said!.error) return { id: publish, data: said!.data }
        return { id: publish, refused: String(said!.error['message']), code: String(codeOf(said!.error) ?? 'refused') }
      },
    }
  })
}

/**
 * The path and input in a topic, `path` or `path?input`. Anything else is sent as it is: the server knows no such path.
 */
function procedureOf(topic: string): { path: string; input?: unknown } {
  const at = topic.indexOf('?')
  if (at < 0) return { path: topic }
  try {
    return { path: topic.slice(0, at), input: JSON.parse(topic.slice(at + 1)) as unknown }
  } catch {
    return { path: topic }
  }
}

/** The error that the server reports about the connection itself. */
function connectionError(data: string | ArrayBuffer): Record<string, unknown> | null {
  const said = objectIn(data)
  return said?.['id'] === null && isObject(said['error']) ? said['error'] : null
}

function codeOf(error: Record<string, unknown>): unknown {
  return section(error, 'data')['code']
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
