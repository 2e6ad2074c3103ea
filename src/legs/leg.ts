import { brief, explain } from '../base/explanation.js'
import imported from 'reconnecting-websocket'
import { physicalSocket } from './physical-socket.js'
import type { WireData } from '../protocol/protocol.js'

/** One physical WebSocket, from its dial to its end. */
export interface Leg {
  /** Hands `data` to the socket. False: the socket is not open, and nothing was sent. */
  send(data: WireData): boolean
  /**
   * Ends the leg. Afterwards no handler is called, and a dial that is still under way leaves no socket behind. The
   * socket API accepts 1000 and 3000–4999 only: any other `code` is sent as 1000. `reason` is cut to 123 bytes.
   */
  close(code?: number, reason?: string): void
}

export interface LegDeath {
  /**
   * The server's close code; 1006 if the connection ended without one. A failed dial is 1006 too, but 1002 if the
   * server answered without selecting an offered subprotocol, and 0 if no server was dialled: there is no WebSocket
   * class, or it refused the URL.
   */
  readonly code: number
  readonly reason: string
  /** False: the dial failed. */
  readonly opened: boolean
}

/** These must not throw. None is called before `createLeg` has returned. */
export interface LegHandlers {
  opened(): void
  received(data: WireData): void
  /** Called exactly once, unless `close` was called first. */
  died(death: LegDeath): void
}

export interface LegDeps {
  readonly url: string
  readonly subprotocols: readonly string[]
  /** The WebSocket class; default: the global one. */
  readonly WebSocket?: unknown
}

// The package is CommonJS whose export is the class, and also a module for bundlers; its declarations fit only the
// module. In our production build it is compiled in, and the import is the class.
const ReconnectingWebSocket = (!brief && 'default' in imported ? imported.default : imported) as typeof imported.default

const BINARY = 'arraybuffer'
const OPEN = 1
const ABNORMAL = 1006
const PROTOCOL_ERROR = 1002

/**
 * Options for the published library, as in a program that runs from its source; the copy compiled into our build never
 * retries or queues. Timers take a signed 32-bit number, and Infinity would fire at once, so this timeout is as close
 * to never as possible.
 */
const ONCE = { maxRetries: 0, maxEnqueuedMessages: 0, connectionTimeout: 2 ** 31 - 1 }

/**
 * Dials `url` once. reconnecting-websocket is used only for its socket: it never retries or queues here, and the
 * changes that it makes to errors and close codes are undone below. No other file knows the library.
 */
export function createLeg(deps: LegDeps, handlers: LegHandlers): Leg {
  return new SocketLeg(deps, handlers)
}

type Dialling = [address: string, protocols?: string[]]

/** The library calls this with `new`, and gets the dialled socket. */
function Dialled(leg: SocketLeg, ...dialled: Dialling) {
  return leg.dial(dialled)
}

class SocketLeg implements Leg {
  readonly #socket: InstanceType<typeof ReconnectingWebSocket>
  readonly #handlers: LegHandlers
  readonly #Class: unknown
  /** The platform's socket; null if the dial was refused. */
  #physical: WebSocket | null = null
  #state: 'dialling' | 'open' | 'gone' = 'dialling'
  /** In Node the socket says why a dial failed, for example the HTTP status; in a browser it never does. */
  #trouble = ''

  constructor({ url, subprotocols, WebSocket }: LegDeps, handlers: LegHandlers) {
    this.#handlers = handlers
    this.#Class = physicalSocket(WebSocket)
    // Bound, because a closure for each leg would be a class of its own, which keeps that leg in memory until a full
    // garbage collection.
    const Class = Dialled.bind(null, this)
    const options = brief ? { WebSocket: Class } : { WebSocket: Object.assign(Class, { CLOSING: 2 }), ...ONCE }
    const offered = subprotocols.length > 0 ? [...subprotocols] : undefined
    const socket = (this.#socket = new ReconnectingWebSocket(url, offered, options))
    if (!brief) socket.binaryType = BINARY
    socket.onopen = () => this.#opened(subprotocols)
    socket.onmessage = (event) => handlers.received(event.data as WireData)
    // The published library invents a close event for an error, with code 1000, so that a network failure looks like a
    // server's normal close. Its own events have the library's object as their target.
    socket.onclose = (event) => this.#ended(brief || (event.target as unknown) !== socket ? event : {})
    // The compiled-in library neither closes a socket that failed nor invents a close event. `#ended` comes first, so
    // that later events are ignored: Node's own WebSocket reports a failed dial again while it is closed.
    socket.onerror = () => {
      this.#ended({})
      this.#shut(1000, '')
    }
  }

  /**
   * An exception from the constructor would be lost in a promise of the library, so the library gets a socket that is
   * already closed instead.
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
      // In Node an error event without a listener ends the process, and the library stops listening at the first one.
      physical.addEventListener('error', (event: Event & { readonly message?: unknown }) => {
        if (typeof event.message === 'string') this.#trouble = event.message
      })
      return physical
    } catch (thrown) {
      // The error's text is left out: it may repeat the URL, with whatever the application put there.
      const name = (thrown as Partial<Error> | null)?.name ?? 'an exception'
      return this.#refused(explain`the WebSocket constructor refused the URL or the subprotocols (${name})`)
    }
  }

  #refused(reason: string) {
    // The library arms the timer that close() clears only after this task.
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

  /** From here on no event of the socket reaches a handler. */
  #detach() {
    const socket = this.#socket
    this.#state = 'gone'
    socket.onmessage = socket.onclose = socket.onerror = null
    // React Native on Android does not close a socket that is not open yet, and opens it afterwards.
    socket.onopen = () => socket.close()
  }

  #shut(code: number, reason: string) {
    try {
      this.#socket.close(allowedCode(code), allowedReason(reason))
    } catch {
      // The leg has ended, even if its socket cannot be closed.
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
