import type { WireData } from '../protocol/protocol.js'
import type { RawProtocolOptions } from '../foreign/raw.js'

/** The functions of `rawProtocol` for a socket that is its own topic, without those that the socket fills in itself. */
export type Words = Omit<RawProtocolOptions, 'message' | 'publish' | 'hello' | 'subscribe' | 'unsubscribe'> &
  Partial<Pick<RawProtocolOptions, 'hello'>>

/**
 * An application that sends more than this before an answer is not greeting the server. `size`: characters or bytes.
 */
const MOST = { pieces: 100, size: 65_536 }

/** What the application has sent since its socket opened, as far as a new server must receive it too. */
export interface Greeting {
  readonly options: () => RawProtocolOptions
  /** The application sees the socket open or close, and greets the server anew. */
  begin(): void
  /** The application has sent more than the newest leg has repeated: only the application can send that again. */
  readonly outgrown: boolean
}

/**
 * A server knows a connection by what was sent on it. What the application sent between `open` and the first answer is
 * repeated on a new leg. That leg is ready when the server answers, and the application does not see that answer a
 * second time. What the application sent later cannot be repeated for it. With `words.hello` the application need not
 * send a greeting.
 */
export function createGreeting(words: Words, topic: string): Greeting {
  let said: WireData[] = []
  let size = 0
  let answered = false
  let more = false
  /** How many pieces the newest leg has repeated. */
  let told = 0

  function note(data: WireData) {
    if (words.hello) return
    size += typeof data === 'string' ? data.length : data.byteLength
    if (answered || said.length >= MOST.pieces || size > MOST.size) more = true
    else said.push(data)
  }

  return {
    options() {
      let greets = false
      /** Who sent each unanswered ping, in order, so that an application that counts its pongs gets them. */
      const pings: ('application' | 'ours')[] = []
      let lastPing: unknown
      const { hello, ping, pong } = words
      const waits = !words.ready && !(ping && pong)
      return {
        ...words,
        hello(ask) {
          if (hello) return words.hello!(ask)
          told = said.length
          greets = told > 0 && answered
          return [...said]
        },
        ...(waits && { ready: () => greets, opened: () => !greets }),
        ...(ping && {
          ping() {
            pings.push('ours')
            return (lastPing = words.ping!()) as ReturnType<NonNullable<RawProtocolOptions['ping']>>
          },
        }),
        ...(pong && { pong: (data) => words.pong!(data) && pings.shift() === 'ours' }),
        publish({ data }) {
          note(data as WireData)
          if (ping && data === lastPing) pings.push('application')
          return data as WireData
        },
        message(data) {
          answered ||= said.length > 0
          return { topic, data }
        },
      }
    },
    begin() {
      said = []
      size = told = 0
      answered = more = false
    },
    get outgrown() {
      return more || said.length > told
    },
  }
}
