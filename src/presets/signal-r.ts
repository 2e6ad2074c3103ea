import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol, type RawHello } from '../foreign/raw.js'
import { awaited } from './awaited.js'
import { isObject, handoverIn, objectIn } from './json.js'
import { withQuery } from './query.js'

/** Options of `signalR()`. */
export interface SignalROptions {
  /**
   * The invocation that makes the hub send a topic's messages, such as joining a group. `last` is the identity of the
   * topic's last message, for a hub that sends later messages again. Default: none, for a hub that sends to all
   * clients.
   */
  join?: (topic: string, last?: string) => { target: string; arguments: unknown[] } | null
  /**
   * A name that the hub gives each invocation and that is the same from another server. It is not the id of its
   * subject. Default: none, and nothing is promised about messages in a handover.
   */
  identity?: (args: unknown[]) => string | null
  /**
   * Hub methods that are called without an answer, as `send` of SignalR's own client does: such a publish settles when
   * it is sent. Default: none.
   */
  send?: (method: string) => boolean
  /**
   * The client method by which the hub asks to hand over. Its first argument may have `url`, `deadline` and `spread`.
   * Default `reconnect`.
   */
  handover?: string
  /**
   * The shortest time, in milliseconds, that both connections live in a handover. It must exceed the delay with which a
   * backplane passes a message from one server to another. Default 1,000.
   */
  leastOverlap?: number
  /**
   * The hub method that is called for a sign of life. Any name will do: a hub also answers a method that it does not
   * have, and in order. Default `LiveSocketPing`.
   */
  ping?: string
}

const END = '\u001e'
/**
 * Characters. A hub writes a record in one piece or in a few, so text that does not end within this many is no record.
 */
const LONGEST = 16 * 1024 * 1024
/** Milliseconds. The server closes soon after it has said that it will. */
const CLOSING = 5_000

/**
 * ASP.NET Core SignalR, JSON hub protocol, over a WebSocket without negotiation (`skipNegotiation` of its own client).
 * A topic is a client method, and a message's data are the arguments. A publish invokes a hub method, once, and its
 * answer is the method's. Without an answer within `outbox.ackTimeout`, or before its leg is gone, it is
 * `outcome-unknown`. The token is sent as `access_token` in the URL, as SignalR's own client does; SignalR refuses one
 * with an HTTP status, which a browser does not show. A join that is not answered in time is reported and not waited
 * for any longer. Tested against the protocol classes of `@microsoft/signalr` on both sides, and its client.
 */
export function signalR({
  join = () => null,
  identity,
  send = () => false,
  handover = 'reconnect',
  ping = 'LiveSocketPing',
  leastOverlap = 1_000,
}: SignalROptions = {}): Protocol {
  // Long because it is a table: what each frame means, one method each, over the state of one leg at its top.
  return rawProtocol(() => {
    let rest = ''
    let count = 0
    let greeted = false
    let wanted: string[] = []
    let lastOf: RawHello['last'] = () => undefined
    const joins = new Map<string, string>()
    const waiting = new Set<string>()
    const pings = new Set<string>()
    const invocations = awaited<string>()
    const write = (record: object) => JSON.stringify(record) + END
    const invoke = (target: string, args: unknown[], id = String(++count)) =>
      write({ type: 1, invocationId: id, target, arguments: args })
    const joined = (topics: Iterable<string>) =>
      [...topics].flatMap((topic) => {
        const call = join(topic, lastOf(topic))
        if (!call) return []
        joins.set(String(++count), topic)
        return [invoke(call.target, call.arguments, String(count))]
      })

    return {
      name: 'signalr',
      binary: false,
      leastOverlap,
      hello({ topics, last }) {
        wanted = [...topics.keys()]
        lastOf = last
        return write({ protocol: 'json', version: 1 })
      },
      dial: ({ url, subprotocols }, token) => ({
        url: token === undefined ? url : withQuery(url, 'access_token', token),
        subprotocols,
      }),
      waiting: () => (greeted ? [...waiting].flatMap((id) => joins.get(id) ?? []) : null),
      invalid(data) {
        const said = objectIn(data)
        const failed =
          said &&
          'error' in said &&
          (greeted ? said['type'] === 7 && said['allowReconnect'] !== true : !('type' in said))
        return failed
          ? `the hub ${greeted ? 'closes the connection' : 'refused the handshake'}: ${String(said['error'])}`
          : null
      },
      split(data) {
        const text = typeof data === 'string' ? data : new TextDecoder().decode(data)
        if (rest.length + text.length > LONGEST) {
          rest = ''
          throw new RangeError('no record is that long')
        }
        rest += text
        if (!text.includes(END)) return []
        const parts = rest.split(END)
        rest = parts.pop()!
        return parts
      },
      ready(data) {
        const said = objectIn(data)
        if (!greeted) {
          // The answer to the handshake is an object without a type, and empty if all is well.
          if (!said || 'type' in said || 'error' in said) return false
          greeted = true
          return waiting.size === 0
        }
        if (said?.['type'] === 3) waiting.delete(String(said['invocationId']))
        return waiting.size === 0
      },
      reply(data) {
        const said = objectIn(data)
        // When a hub asks for a result and no handler gives one, SignalR's own client answers the same.
        if (said?.['type'] === 1 && said['invocationId'] !== undefined)
          return write({ type: 3, invocationId: said['invocationId'], error: "Client didn't provide a result." })
        if (greeted || !said || 'type' in said || 'error' in said) return null
        const calls = joined(wanted)
        for (const id of joins.keys()) waiting.add(id)
        return calls
      },
      handover(data) {
        const said = objectIn(data)
        if (said?.['type'] === 7)
          return said['allowReconnect'] === true && { reason: 'the server closes', deadline: CLOSING }
        if (said?.['type'] !== 1 || said['target'] !== handover) return false
        const [first] = said['arguments'] as unknown[]
        return handoverIn(isObject(first) ? first : {})
      },
      ping() {
        pings.add(String(++count))
        return invoke(ping, [], String(count))
      },
      pong(data) {
        const said = objectIn(data)
        return said?.['type'] === 3 && pings.delete(String(said['invocationId']))
      },
      refused(data) {
        const said = objectIn(data)
        const id = String(said?.['invocationId'])
        const topic = said?.['type'] === 3 && 'error' in said ? joins.get(id) : undefined
        if (said?.['type'] === 3) joins.delete(id)
        return topic === undefined ? null : { topic, reason: String(said!['error']) }
      },
      message(data) {
        const said = objectIn(data)
        return said?.['type'] === 1 ? { topic: String(said['target']), data: said['arguments'] } : null
      },
      ...(identity && { identity: ({ data }) => identity(data as unknown[]) }),
      subscribe: (topics) => joined(topics.keys()),
      publish({ topic, data, id }) {
        const args = Array.isArray(data) ? (data as unknown[]) : [data]
        if (send(topic)) return write({ type: 1, target: topic, arguments: args })
        const text = invoke(topic, args)
        invocations.set(String(count), id)
        return text
      },
      unanswered: ({ topic }) => send(topic),
      answer(data) {
        const said = objectIn(data)
        const id = said?.['type'] === 3 ? invocations.get(String(said['invocationId'])) : undefined
        if (id === undefined) return null
        invocations.delete(String(said!['invocationId']))
        return 'error' in said! ? { id, refused: String(said['error']) } : { id, data: said!['result'] }
      },
    }
  })
}
