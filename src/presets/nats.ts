import { explain } from '../base/explanation.js'
import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol } from '../foreign/raw.js'
import { frameKeys } from './frame-keys.js'
import { natsFrames, type NatsFrame } from './nats-frames.js'

/** A message of a NATS subject. */
export interface NatsMessage {
  readonly subject: string
  readonly reply: string | undefined
  readonly headers: ReadonlyMap<string, string>
  /** Text decoded from UTF-8, or an ArrayBuffer with `binary`. */
  readonly payload: string | ArrayBuffer
}

/** Options of `nats()`. */
export interface NatsOptions {
  /**
   * What makes a message the same on another server. Default: its `Nats-Msg-Id` header. Nothing is promised in a
   * handover about messages without an identity.
   */
  identity?: (message: NatsMessage) => string | null
  /** More fields for CONNECT, such as `user` and `pass`. The token of `getToken` is sent as `auth_token`. */
  connect?: Record<string, unknown>
  /**
   * The `lame_duck_grace_period` of the servers, in milliseconds. A server that is about to stop serves all its clients
   * for that long and tells nobody how long it is; clients spread their handovers over it. Default 10,000, as the
   * servers have.
   */
  grace?: number
  /** Payloads as ArrayBuffer. Default false: as text. */
  binary?: boolean
}

/**
 * Core NATS over a server's `websocket` listener. A topic is a subject or a pattern of subjects, and a message's data
 * is a `NatsMessage`. When a server enters lame duck mode the client hands over to another one of the cluster: let
 * `url` be a function that names the servers in turn. If a server refuses the token, or says that it has expired, a new
 * one is fetched. Tested against `nats-server`.
 */
export function nats({
  identity = ({ headers }) => headers.get('nats-msg-id') ?? null,
  connect,
  grace = 10_000,
  binary = false,
}: NatsOptions = {}): Protocol {
  return rawProtocol(() => {
    const split = natsFrames()
    const subjects = new Map<string, string>()
    const ids = new Map<string, string>()
    const { keyOf, frameOf } = frameKeys<NatsFrame>()
    /** Topics that are no subjects, until they have been reported. */
    let wrong: string[] = []
    let sid = 0
    let server = ''

    const subscribe = (topics: Iterable<string>) =>
      [...topics].map((subject) => {
        subjects.set(String(++sid), subject)
        ids.set(subject, String(sid))
        return `SUB ${checked(subject)} ${sid}\r\n`
      })
    const read = (frame: NatsFrame): NatsMessage => ({
      subject: frame.subject!,
      reply: frame.reply,
      headers: frame.headers,
      payload: binary ? frame.payload.slice().buffer : new TextDecoder().decode(frame.payload),
    })

    return {
      name: 'nats',
      hello({ token, topics }) {
        const options = {
          verbose: false,
          pedantic: false,
          lang: 'livesocket',
          version: '1',
          protocol: 1,
          headers: true,
          no_responders: true,
          ...connect,
        }
        wrong = [...topics.keys()].filter((subject) => !isSubject(subject))
        const hello = [
          `CONNECT ${JSON.stringify(token === undefined ? options : { ...options, auth_token: token })}\r\n`,
          ...subscribe([...topics.keys()].filter(isSubject)),
          'PING\r\n',
        ]
        // Sent in one piece: a server that refuses the first command leaves nothing unread then. Unread data would make
        // it cut the connection before the client receives the reason.
        return token === undefined ? hello : hello.join('')
      },
      split: (data) => split(data).map(keyOf),
      ready(data) {
        const frame = frameOf(data)
        if (frame?.verb === 'INFO') server = String(frame.info?.['server_id'] ?? '')
        return frame?.verb === 'PONG' && { server }
      },
      handover: (data) =>
        frameOf(data)?.info?.['ldm'] === true && { reason: 'lame duck', deadline: grace, spread: grace },
      reply: (data) => (frameOf(data)?.verb === 'PING' ? 'PONG\r\n' : null),
      ping: () => 'PING\r\n',
      pong: (data) => frameOf(data)?.verb === 'PONG',
      refused(data) {
        const frame = frameOf(data)
        if (frame?.verb === 'INFO')
          return wrong.splice(0).map((topic) => ({ topic, reason: explain`a subject must have no white space` }))
        const [, subject] = /subscription to "([^"]+)"/i.exec(errorIn(frame) ?? '') ?? []
        return subject === undefined ? null : { topic: subject, reason: frame!.text }
      },
      unauthorized(data) {
        const error = errorIn(frameOf(data))
        return error !== null && /authorization violation|authentication (expired|revoked)/i.test(error) && error
      },
      invalid(data) {
        const error = errorIn(frameOf(data))
        return error && `the server said: ${error}`
      },
      message(data) {
        const frame = frameOf(data)
        const topic = frame?.sid === undefined ? undefined : subjects.get(frame.sid)
        return topic === undefined ? null : { topic, data: read(frame!) }
      },
      identity: ({ data }) => identity(data as NatsMessage),
      subscribe: (topics) => subscribe(topics.keys()),
      unsubscribe: (topics) =>
        topics.flatMap((subject) => {
          const known = ids.get(subject)
          ids.delete(subject)
          if (known !== undefined) subjects.delete(known)
          return known === undefined ? [] : [`UNSUB ${known}\r\n`]
        }),
      publish({ topic, data }) {
        const payload =
          data instanceof ArrayBuffer
            ? new Uint8Array(data)
            : new TextEncoder().encode(typeof data === 'string' ? data : JSON.stringify(data))
        const head = new TextEncoder().encode(`PUB ${checked(topic)} ${payload.length}\r\n`)
        const whole = new Uint8Array(head.length + payload.length + 2)
        whole.set(head)
        whole.set(payload, head.length)
        whole.set([13, 10], head.length + payload.length)
        return whole.buffer
      },
    }
  })
}

/** The text of the server's -ERR. */
function errorIn(frame: NatsFrame | undefined): string | null {
  return frame?.verb === '-ERR' ? frame.text.replace(/^'|'$/g, '') : null
}

/** White space in a subject would start another argument or command. */
function isSubject(subject: string): boolean {
  return !/[\s\u0000]/.test(subject)
}

function checked(subject: string): string {
  if (!isSubject(subject)) throw new TypeError(explain`a subject must have no white space`)
  return subject
}
