import { explain } from '../base/explanation.js'
import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol, type RawHello, type Outgoing } from '../foreign/raw.js'
import { handoverIn, objectIn } from './json.js'

/** How a server’s word that it is about to go is recognised. */
export interface ReconnectNoticeOptions {
  /** The topic of a message; null for what is none. Default: its `topic` field, and `data` where there is none. */
  topic?: (message: Record<string, unknown>) => string | null
  /**
   * What makes a message the same on another leg: a name that the server gives each message, not the id of what it is
   * about. Default: nothing, and without numbers nothing is promised about messages in a handover.
   */
  identity?: (message: Record<string, unknown>) => string | null
  /** Its number in its topic, for a server that numbers: the full promise. */
  position?: (message: Record<string, unknown>) => { offset: number; prev?: number; epoch?: string } | null
  /**
   * The server numbers, as the examples in examples/servers do: messages are `{"topic","epoch","offset","data"}`, and
   * it serves from the positions in `{"type":"hello","topics":{"chat":{"epoch":"a","offset":7}}}`, `{}` being from now
   * on. Handlers get `data`.
   */
  numbered?: boolean
  /**
   * What to send first on every leg. Default: the token of `getToken`, in `{"type":"auth","token"}` or in the hello of
   * a server that numbers; without one nothing.
   */
  hello?: (ask: RawHello) => Outgoing
  /** Default true: the server answers `{"type":"ping"}` with `{"type":"pong"}`, in order. */
  ping?: boolean
}

/**
 * A server that sends JSON and says `{"type":"reconnect"}`, or `handover`, before it goes, with `url`, `deadline` and
 * `spread` where it likes: what ten lines add to any Node, ASP.NET Core, Go or Phoenix server. One that refuses a token
 * says `{"type":"error","code":"unauthorized","message"}` and closes: then a new one is fetched and tried once more.
 * Oracle: a plain `ws` server.
 */
export function reconnectNotice({
  topic,
  identity,
  position: given,
  numbered = false,
  hello,
  ping = true,
}: ReconnectNoticeOptions = {}): Protocol {
  const position =
    given ??
    (numbered
      ? (message: Record<string, unknown>) => message as { offset: number; prev?: number; epoch?: string }
      : undefined)
  const ask = (topics: RawHello['topics'], token?: string) =>
    JSON.stringify({
      type: 'hello',
      token,
      topics: Object.fromEntries([...topics].map(([name, at]) => [name, at ?? {}])),
    })
  const topicOf = topic ?? ((message) => (typeof message['topic'] === 'string' ? message['topic'] : 'data'))
  const greet = ({ token, topics }: RawHello) =>
    numbered ? ask(topics, token) : token === undefined ? null : JSON.stringify({ type: 'auth', token })
  return rawProtocol({
    name: 'reconnect-notice',
    hello: hello ?? greet,
    ...(numbered && { subscribe: (topics) => ask(topics) }),
    unauthorized(data) {
      const said = objectIn(data)
      return (
        said?.['type'] === 'error' &&
        said['code'] === 'unauthorized' &&
        String(said['message'] ?? explain`the server refused the token`)
      )
    },
    handover(data) {
      const said = objectIn(data)
      return (said?.['type'] === 'reconnect' || said?.['type'] === 'handover') && handoverIn(said)
    },
    message(data) {
      const message = objectIn(data)
      // A server that numbers says other things as well: what bears no number is no message.
      const name =
        message && message['type'] !== 'pong' && (!numbered || typeof message['offset'] === 'number')
          ? topicOf(message)
          : null
      return name === null ? null : { topic: name, data: numbered ? message!['data'] : message }
    },
    ...(identity && { identity: (_message, data) => identity(objectIn(data)!) }),
    ...(position && { position: (_message, data) => position(objectIn(data)!) }),
    ...(ping && { ping: () => '{"type":"ping"}', pong: (data) => objectIn(data)?.['type'] === 'pong' }),
  })
}
