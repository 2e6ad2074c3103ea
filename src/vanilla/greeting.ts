import type { WireData } from '../protocol/protocol.js'
import type { RawProtocolOptions } from '../foreign/raw.js'

/** The words of a server for a socket that is its own topic: what is left of them is the socket's. */
export type Words = Omit<RawProtocolOptions, 'message' | 'publish' | 'hello' | 'subscribe' | 'unsubscribe'> &
  Partial<Pick<RawProtocolOptions, 'hello'>>

/** What says more than this before it has an answer is no greeting. */
const MOST = { pieces: 100, size: 65_536 }

/** What an application has said since its socket opened, as far as another server must hear it too. */
export interface Greeting {
  readonly options: () => RawProtocolOptions
  /** The application sees a socket that opens or is gone: it greets anew. */
  begin(): void
  /** More has been said than the newest leg was told: only the application can say it again. */
  readonly outgrown: boolean
}

/**
 * A server knows a connection by what was said on it. What the application said from `open` until the first answer is
 * said again on a new leg, which is ready when it is answered; that answer is not told twice. What it said later nobody
 * can repeat for it. Where `words.hello` says how a server is greeted, the application has to say nothing.
 */
export function createGreeting(words: Words, topic: string): Greeting {
  let said: WireData[] = []
  let size = 0
  let answered = false
  let more = false
  /** Pieces that the newest leg was greeted with. */
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
      /** Whose pings are unanswered, in order: an application that counts its pongs has them. */
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
