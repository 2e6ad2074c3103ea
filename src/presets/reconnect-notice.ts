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
  /** What to send first on every leg. Default nothing. */
  hello?: (ask: RawHello) => Outgoing
  /** Default true: the server answers `{"type":"ping"}` with `{"type":"pong"}`, in order. */
  ping?: boolean
}

/**
 * A server that sends JSON and says `{"type":"reconnect"}` before it goes, with `url`, `deadline` and `spread` where it likes: what ten
 * lines add to any Node, ASP.NET Core, Go or Phoenix server. Oracle: a plain `ws` server.
 */
export function reconnectNotice({ topic, identity, position, hello, ping = true }: ReconnectNoticeOptions = {}): Protocol {
  const topicOf = topic ?? ((message) => (typeof message['topic'] === 'string' ? message['topic'] : 'data'))
  const nameOf = identity ?? (({ id }) => (typeof id === 'string' || typeof id === 'number' ? String(id) : null))
  return rawProtocol({
    name: 'reconnect-notice',
    hello,
    handover(data) {
      const said = objectIn(data)
      return said?.['type'] === 'reconnect' && moveIn(said)
    },
    message(data) {
      const message = objectIn(data)
      const name = message && message['type'] !== 'pong' ? topicOf(message) : null
      return name === null ? null : { topic: name, data: message }
    },
    identity: ({ data }) => nameOf(data as Record<string, unknown>),
    ...(position && { position: ({ data }) => position(data as Record<string, unknown>) }),
    ...(ping && { ping: () => '{"type":"ping"}', pong: (data) => objectIn(data)?.['type'] === 'pong' }),
  })
}
