import { explain } from '../base/explanation.js'
import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol, type RawHello, type Outgoing } from '../foreign/raw.js'
import { handoverIn, objectIn } from './json.js'

/** Options of `reconnectNotice()`. */
export interface ReconnectNoticeOptions {
  /**
   * The topic of a message; null for data that is no message. Default: its `topic` field, and `data` if there is none.
   */
  topic?: (message: Record<string, unknown>) => string | null
  /**
   * A name that the server gives each message and that is the same on another leg. It is not the id of the message's
   * subject. Default: none; without numbers too, nothing is promised about messages in a handover.
   */
  identity?: (message: Record<string, unknown>) => string | null
  /** The message's number in its topic, for a server that numbers: every message then comes once and in order. */
  position?: (message: Record<string, unknown>) => { offset: number; prev?: number; epoch?: string } | null
  /**
   * The server numbers its messages as those in examples/servers do. Messages are `{"topic","epoch","offset","data"}`,
   * and the server starts from the positions in `{"type":"hello","topics":{"chat":{"epoch":"a","offset":7}}}`, where
   * `{}` means from now on. Handlers get `data`. Default false.
   */
  numbered?: boolean
  /**
   * What to send first on every leg. Default: the token of `getToken`, in `{"type":"auth","token"}`, or in the hello if
   * `numbered`; without a token and numbers, nothing.
   */
  hello?: (ask: RawHello) => Outgoing
  /** The server answers `{"type":"ping"}` with `{"type":"pong"}`, in order. Default true. */
  ping?: boolean
}

/**
 * A server that sends JSON and says `{"type":"reconnect"}` or `{"type":"handover"}` before it stops, with `url`,
 * `deadline` and `spread` as it likes: about ten lines in any Node, ASP.NET Core, Go or Phoenix server. To refuse a
 * token it says `{"type":"error","code":"unauthorized","message"}` and closes; a new one is then fetched and tried once
 * more. Tested against a plain `ws` server.
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
      // A server that numbers sends other things as well: what has no number is no message.
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
