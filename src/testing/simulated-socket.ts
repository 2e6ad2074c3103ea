import type { Clock } from '../base/clock.js'
import { byteLength } from '../protocol/json.js'
import type { SimulatedPath } from './simulated-path.js'

/**
 * The connection between a client and a server. The client's device times the wire down, so a sleeping device receives
 * nothing.
 */
export interface Path {
  readonly up: SimulatedPath
  readonly down: SimulatedPath
}

/** A dial as it arrives at the other side. If it is not answered, it hangs. */
export interface Incoming {
  readonly url: URL
  readonly protocols: readonly string[]
  /** Opens the connection. `protocol` is the selected subprotocol, '' for none. */
  accept(protocol: string, server: ServerEndHandlers): ServerEnd
  /** The dial fails: nothing listens, or the answer is not 101. A client cannot distinguish the two. */
  refuse(): void
}

export interface ServerEnd {
  send(text: string): void
  close(code: number, reason: string): void
  /** The connection is reset, as when the process dies. */
  reset(): void
}

export interface ServerEndHandlers {
  received(text: string): void
  /** The client closed, or its connection ended. Not called after our own `close` or `reset`. */
  closed(code: number): void
}

export interface SimulatedSocketDeps {
  /** The clock of the device. */
  readonly clock: Clock
  readonly base: string
  /** A path to that host; null if the device knows that it has no network. */
  path(): Path | null
  /** The dial has arrived. */
  knock(incoming: Incoming): void
  /** The connection has ended, and its path is not needed any more. */
  over(path: Path): void
  /** Close each socket of the page, as a browser does at a navigation. */
  readonly navigations: Set<() => void>
}

/** Milliseconds that a closing handshake may take before the client ends the connection itself: Chrome's number. */
const CLOSING_TIMEOUT = 2_000

const ABNORMAL = 1006
const GOING_AWAY = 1001

/** The code with which the API says that a close frame had no code. */
const NO_CODE = 1005

/**
 * A WebSocket class of one device that behaves as a browser's: states, events in tasks of their own, exceptions, and
 * the rule that nothing is delivered after `close()`.
 */
export function createSimulatedSocket(deps: SimulatedSocketDeps): typeof WebSocket {
  return class extends SimulatedSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(deps, address, protocols)
    }
  } as unknown as typeof WebSocket
}

class SimulatedSocket extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSING = 2
  static readonly CLOSED = 3
  readonly CONNECTING = 0
  readonly OPEN = 1
  readonly CLOSING = 2
  readonly CLOSED = 3
  readonly url: string
  readonly extensions = ''
  protocol = ''
  readyState = 0
  bufferedAmount = 0
  binaryType: BinaryType = 'blob'
  onopen: ((event: Event) => void) | null = null
  onmessage: ((event: MessageEvent) => void) | null = null
  onerror: ((event: Event) => void) | null = null
  onclose: ((event: CloseEvent) => void) | null = null
  readonly #deps: SimulatedSocketDeps
  #path: Path | null
  #server: ServerEndHandlers | null = null
  #stopClosing: (() => void) | null = null
  #ended = false
  readonly #navigate = () => (this.readyState === 0 ? this.#fail() : this.#end(GOING_AWAY, '', true))

  constructor(deps: SimulatedSocketDeps, address: string | URL, protocols: string | string[] = []) {
    super()
    this.#deps = deps
    const url = parseUrl(String(address), deps.base)
    const offered = typeof protocols === 'string' ? [protocols] : [...protocols]
    if (new Set(offered).size < offered.length || offered.some((protocol) => !/^[!#-'*+\-.^-z|~\w]+$/.test(protocol)))
      throw new DOMException('a subprotocol is not a token, or is offered twice', 'SyntaxError')
    this.url = url.href
    this.#path = deps.path()
    deps.navigations.add(this.#navigate)
    if (!this.#path) deps.clock.setTimeout(() => this.#fail(), 0)
    else this.#path.up.carry(() => this.#arrive(url, offered))
  }

  send(data: string | ArrayBufferLike | Blob | ArrayBufferView) {
    if (this.readyState === 0) throw new DOMException('the connection is not open yet', 'InvalidStateError')
    if (typeof data !== 'string') throw new TypeError('the simulated servers speak text frames only')
    const bytes = byteLength(data)
    const path = this.#path
    if (this.readyState !== 1 || !path) return void (this.bufferedAmount += bytes)
    // On a living path a frame leaves at once. On a dead one it stays buffered at the sender.
    if (!path.up.frozen) return path.up.carry(() => this.#server?.received(data))
    this.bufferedAmount += bytes
    path.up.carry(() => {
      this.bufferedAmount -= bytes
      this.#server?.received(data)
    })
  }

  close(code?: number, reason = '') {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999))
      throw new DOMException('a page may close with 1000 and 3000 to 4999 only', 'InvalidAccessError')
    if (byteLength(reason) > 123) throw new DOMException('a close reason has at most 123 bytes', 'SyntaxError')
    if (this.readyState >= 2) return
    const wasConnecting = this.readyState === 0
    this.readyState = 2
    if (wasConnecting) return void this.#deps.clock.setTimeout(() => this.#fail(), 0)
    this.#path!.up.carry(() => this.#serverHears({ code: code ?? NO_CODE, reason }))
    this.#stopClosing = this.#deps.clock.setTimeout(() => this.#end(ABNORMAL, '', false), CLOSING_TIMEOUT)
  }

  #arrive(url: URL, protocols: readonly string[]) {
    const path = this.#path!
    if (this.readyState !== 0) return
    let over = false
    const end: ServerEnd = {
      send: (text) => void (over || path.down.carry(() => this.#receive(text))),
      close: (code, reason) => {
        if (over) return
        over = true
        this.#server = null
        path.down.carry(() => this.#closedByServer(code, reason))
      },
      reset: () => {
        if (over) return
        over = true
        this.#server = null
        path.down.carry(() => this.#fail())
      },
    }
    this.#deps.knock({
      url,
      protocols,
      accept: (protocol, handlers) => {
        this.#server = {
          received: handlers.received,
          closed(code) {
            if (over) return
            over = true
            handlers.closed(code)
          },
        }
        path.down.carry(() => this.#open(protocol))
        return end
      },
      refuse: () => path.down.carry(() => this.#fail()),
    })
  }

  #open(protocol: string) {
    if (this.readyState !== 0) return
    this.readyState = 1
    this.protocol = protocol
    this.#emit(new Event('open'))
  }

  #receive(text: string) {
    if (this.readyState === 1) this.#emit(new MessageEvent('message', { data: text, origin: new URL(this.url).origin }))
  }

  /** The server has received our close. It answers with the same code, and the connection ends. */
  #serverHears({ code, reason }: { code: number; reason: string }) {
    const server = this.#server
    this.#server = null
    server?.closed(code)
    this.#path?.down.carry(() => this.#end(code, reason, true))
  }

  #closedByServer(code: number, reason: string) {
    if (this.readyState === 0) return this.#fail()
    this.#end(code, reason, true)
  }

  #fail() {
    if (this.#ended) return
    this.readyState = 3
    this.#emit(new Event('error'))
    this.#end(ABNORMAL, '', false)
  }

  #end(code: number, reason: string, wasClean: boolean) {
    if (this.#ended) return
    this.#ended = true
    this.#deps.navigations.delete(this.#navigate)
    this.readyState = 3
    this.#stopClosing?.()
    const path = this.#path
    if (path) {
      // Without a closing handshake the server learns of the end when its side of the connection notices it.
      const server = this.#server
      if (server) path.up.carry(() => server.closed(ABNORMAL))
      path.down.cut()
      this.#path = null
      this.#deps.over(path)
    }
    this.#emit(Object.assign(new Event('close'), { code, reason, wasClean }))
  }

  #emit(event: Event) {
    const handler = this[`on${event.type}` as 'onopen']
    const call = (told: Event) => handler?.call(this as unknown as WebSocket, told)
    this.addEventListener(event.type, call)
    this.dispatchEvent(event)
    this.removeEventListener(event.type, call)
  }
}

function parseUrl(address: string, base: string): URL {
  let url: URL
  try {
    url = new URL(address, base)
  } catch {
    throw new DOMException('the URL does not parse', 'SyntaxError')
  }
  if (url.protocol === 'https:') url.protocol = 'wss:'
  if (url.protocol === 'http:') url.protocol = 'ws:'
  if (!/^wss?:$/.test(url.protocol) || url.hash !== '')
    throw new DOMException('the URL is not a ws: or wss: URL, or has a fragment', 'SyntaxError')
  return url
}
