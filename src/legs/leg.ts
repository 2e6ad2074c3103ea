import { brief, explain } from '../base/explanation.js'
import imported from 'reconnecting-websocket'
import { physicalSocket } from './physical-socket.js'
import type { WireData } from '../protocol/protocol.js'

/** One physical WebSocket, from its dial to its end. */
export interface Leg {
  /** Hands `data` to the socket. False: it is not open, and the data went nowhere. */
  send(data: WireData): boolean
  /**
   * Lets go of the leg. From here on nothing is heard of it, and a dial that is still under way leaves no socket
   * behind. The socket API takes 1000 and 3000–4999 only: any other `code` goes out as 1000; `reason` is cut to 123
   * bytes.
   */
  close(code?: number, reason?: string): void
}

export interface LegDeath {
  /**
   * The server's close code; 1006 when the connection just ended. A failed dial is 1006 too, but 1002 when the server
   * answered without selecting a subprotocol that was offered, and 0 when nobody was asked: there is no WebSocket class,
   * or it refused the URL.
   */
  readonly code: number
  readonly reason: string
  /** False: the leg never opened, and the dial failed. */
  readonly opened: boolean
}

/** None of these may throw, and none is called before `createLeg` has returned. */
export interface LegHandlers {
  opened(): void
  received(data: WireData): void
  /** Exactly once, unless `close` was called first. */
  died(death: LegDeath): void
}

export interface LegDeps {
  readonly url: string
  readonly subprotocols: readonly string[]
  /** The WebSocket class; default: the global one. */
  readonly WebSocket?: unknown
}

// Published as CommonJS whose export is the class, as a module for bundlers, and with declarations that fit the latter
// only. Compiled for us it is the class.
const ReconnectingWebSocket = (!brief && 'default' in imported ? imported.default : imported) as typeof imported.default

const BINARY = 'arraybuffer'
const OPEN = 1
const ABNORMAL = 1006
const PROTOCOL_ERROR = 1002

/**
 * What the library is told where it is the published one, as in a program that runs from its source: compiled for us it
 * does nothing else. Timers take a signed 32-bit number, and Infinity would fire at once: this is as close to never as
 * they come.
 */
const ONCE = { maxRetries: 0, maxEnqueuedMessages: 0, connectionTimeout: 2 ** 31 - 1 }

/**
 * Dials `url` once. reconnecting-websocket is used for the socket alone: it never retries and never queues here, and
 * what it makes of errors and close codes is undone below. It is the only place that knows it.
 */
export function createLeg(deps: LegDeps, handlers: LegHandlers): Leg {
  return new SocketLeg(deps, handlers)
}

type Dialling = [address: string, protocols?: string[]]

/** What the library makes with `new` is the socket that was dialled. */
function Dialled(leg: SocketLeg, ...dialled: Dialling) {
  return leg.dial(dialled)
}

class SocketLeg implements Leg {
  readonly #socket: InstanceType<typeof ReconnectingWebSocket>
  readonly #handlers: LegHandlers
  readonly #Class: unknown
  /** What was dialled; null where that was refused. */
  #physical: WebSocket | null = null
  #state: 'dialling' | 'open' | 'gone' = 'dialling'
  /** In Node the socket says why a dial failed, the HTTP status for one; a browser's never does. */
  #trouble = ''

  constructor({ url, subprotocols, WebSocket }: LegDeps, handlers: LegHandlers) {
    this.#handlers = handlers
    this.#Class = physicalSocket(WebSocket)
    // Bound, where a function of each leg's own would be a class of its own, which holds that leg until a full garbage
    // collection.
    const Class = Dialled.bind(null, this)
    const options = brief ? { WebSocket: Class } : { WebSocket: Object.assign(Class, { CLOSING: 2 }), ...ONCE }
    const offered = subprotocols.length > 0 ? [...subprotocols] : undefined
    const socket = (this.#socket = new ReconnectingWebSocket(url, offered, options))
    if (!brief) socket.binaryType = BINARY
    socket.onopen = () => this.#opened(subprotocols)
    socket.onmessage = (event) => handlers.received(event.data as WireData)
    // As it is published the library makes up a close event at an error, with code 1000: a network failure that looks
    // like a server's polite goodbye. Its own events name itself as their target.
    socket.onclose = (event) => this.#ended(brief || (event.target as unknown) !== socket ? event : {})
    // Compiled for us the library does not close a socket that failed, and neither makes up a close event. Nothing is
    // heard of it by then: Node's own WebSocket tells a failed dial once more while it is closed.
    socket.onerror = () => {
      this.#ended({})
      this.#shut(1000, '')
    }
  }

  /**
   * An exception of the constructor would be lost in a promise of the library's: it gets a socket that is closed already
   * instead.
   */
  dial(dialled: Dialling) {
    const Class = this.#Class
    if (typeof Class !== 'function') {
      return this.#refused(
        explain`there is no WebSocket here: pass a class as environment.WebSocket, in Node the one of the package ws`,
      )
    }
    try {
      const Physical = Class as typeof globalThis.WebSocket
      const physical = (this.#physical = new Physical(...dialled))
      physical.binaryType = BINARY
      // In Node an error that nobody listens to ends the process, and the library stops listening at the first one.
      physical.addEventListener('error', (event: Event & { readonly message?: unknown }) => {
        if (typeof event.message === 'string') this.#trouble = event.message
      })
      return physical
    } catch (thrown) {
      // Not the text: it may repeat the URL, and what an application put there.
      const name = (thrown as Partial<Error> | null)?.name ?? 'an exception'
      return this.#refused(explain`the WebSocket constructor refused the URL or the subprotocols (${name})`)
    }
  }

  #refused(reason: string) {
    // Only after this task has the library armed the timer that close() clears.
    queueMicrotask(() => {
      this.#socket.close()
      this.#died(reason, 0)
    })
    return CLOSED_SOCKET
  }

  #opened(subprotocols: readonly string[]) {
    if (subprotocols.length > 0 && !subprotocols.includes(this.#physical!.protocol)) {
      const reason = explain`the server did not select the subprotocol ${subprotocols.join(' or ')}`
      this.#shut(1000, reason)
      return this.#died(reason, PROTOCOL_ERROR)
    }
    this.#state = 'open'
    this.#handlers.opened()
  }

  #ended({ code, reason = '' }: { readonly code?: number; readonly reason?: string }) {
    if (this.#state === 'dialling') this.#died(this.#trouble)
    else this.#died(reason, code)
  }

  #died(reason: string, code = ABNORMAL) {
    if (this.#state === 'gone') return
    const opened = this.#state === 'open'
    this.#detach()
    this.#handlers.died({ code, reason, opened })
  }

  /** Nothing that the socket still says reaches anyone. */
  #detach() {
    const socket = this.#socket
    this.#state = 'gone'
    socket.onmessage = socket.onclose = socket.onerror = null
    // React Native on Android closes nothing that is not open yet, and opens it all the same.
    socket.onopen = () => socket.close()
  }

  #shut(code: number, reason: string) {
    try {
      this.#socket.close(allowedCode(code), allowedReason(reason))
    } catch {
      // A socket that cannot even be closed is nobody's any more all the same.
    }
  }

  send(data: WireData): boolean {
    if (this.#state !== 'open' || this.#physical!.readyState !== OPEN) return false
    try {
      this.#socket.send(data)
      return true
    } catch {
      return false
    }
  }

  close(code = 1000, reason = ''): void {
    if (this.#state === 'gone') return
    this.#detach()
    this.#shut(code, reason)
  }
}

const CLOSED_SOCKET = { readyState: 3, addEventListener() {} }

function allowedCode(code: number): number {
  return code === 1000 || (Number.isInteger(code) && code >= 3000 && code <= 4999) ? code : 1000
}

const LONGEST_REASON = 123

function allowedReason(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(LONGEST_REASON))
  return reason.slice(0, read)
}
