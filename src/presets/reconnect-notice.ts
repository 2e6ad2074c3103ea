import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol, type RawHello, type Outgoing } from '../protocol/raw.js'
import { moveIn, objectIn } from './json.js'

export interface ReconnectNoticeOptions {
  /** The topic of a message; null for what is none. Default: its `topic` field, and `data` where there is none. */
  topic?: (message: Record<string, unknown>) => string | null
  /** What makes a message the same on another leg. Default: its `id` field. */
  identity?: (message: Record<string, unknown>) => string | null
  /** Its number in its topic, for a server that numbers: the full promise. */
  position?: (message: Record<string, unknown>) => { offset: number; prev?: number; epoch?: string } | null
  /**
   * The server numbers, as the examples in examples/servers do: messages are `{"topic","epoch","offset","data"}`, and it serves from the
   * positions in `{"type":"hello","topics":{"chat":{"epoch":"a","offset":7}}}`, `{}` being from now on. Handlers get `data`.
   */
  numbered?: boolean
  /** What to send first on every leg. Default nothing. */
  hello?: (ask: RawHello) => Outgoing
  /** Default true: the server answers `{"type":"ping"}` with `{"type":"pong"}`, in order. */
  ping?: boolean
}

/**
 * A server that sends JSON and says `{"type":"reconnect"}`, or `handover`, before it goes, with `url`, `deadline` and `spread` where it likes: what ten
 * lines add to any Node, ASP.NET Core, Go or Phoenix server. Oracle: a plain `ws` server.
 */
export function reconnectNotice({ topic, identity, position: given, numbered = false, hello, ping = true }: ReconnectNoticeOptions = {}): Protocol {
  const position = given ?? (numbered ? (message: Record<string, unknown>) => message as { offset: number; prev?: number; epoch?: string } : undefined)
  const ask = (topics: RawHello['topics']) => JSON.stringify({ type: 'hello', topics: Object.fromEntries([...topics].map(([name, at]) => [name, at ?? {}])) })
  const topicOf = topic ?? ((message) => (typeof message['topic'] === 'string' ? message['topic'] : 'data'))
  const nameOf = identity ?? (({ id }) => (typeof id === 'string' || typeof id === 'number' ? String(id) : null))
  return rawProtocol({
    name: 'reconnect-notice',
    hello: hello ?? (numbered ? ({ topics }) => ask(topics) : undefined),
    ...(numbered && { subscribe: ask }),
    handover(data) {
      const said = objectIn(data)
      return (said?.['type'] === 'reconnect' || said?.['type'] === 'handover') && moveIn(said)
    },
    message(data) {
      const message = objectIn(data)
      // A server that numbers says other things as well: what bears no number is no message.
      const name = message && message['type'] !== 'pong' && (!numbered || typeof message['offset'] === 'number') ? topicOf(message) : null
      return name === null ? null : { topic: name, data: numbered ? message!['data'] : message }
    },
    identity: (_message, data) => nameOf(objectIn(data)!),
    ...(position && { position: (_message, data) => position(objectIn(data)!) }),
    ...(ping && { ping: () => '{"type":"ping"}', pong: (data) => objectIn(data)?.['type'] === 'pong' }),
  })
}
