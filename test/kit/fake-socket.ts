type Listener = (event: object) => void

/** A WebSocket that does only what the test says. It is as strict about close codes as a browser. */
export class FakeSocket {
  static readonly CLOSING = 2
  readonly sent: unknown[] = []
  readonly closes: { code?: number; reason?: string }[] = []
  /** Errors that listeners threw. */
  readonly thrown: unknown[] = []
  readyState = 0
  bufferedAmount = 0
  binaryType = 'blob'
  protocol = ''
  #listeners: [type: string, listener: Listener][] = []

  constructor(
    readonly url: string,
    readonly protocols?: string | string[],
  ) {}

  addEventListener(type: string, listener: Listener) {
    this.#listeners.push([type, listener])
  }
  removeEventListener(type: string, listener: Listener) {
    this.#listeners = this.#listeners.filter((entry) => entry[0] !== type || entry[1] !== listener)
  }
  /** The event types that have listeners. */
  get heardBy() {
    return this.#listeners.map(([type]) => type)
  }
  send(data: unknown) {
    this.sent.push(data)
  }
  close(code?: number, reason?: string) {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999))
      throw new DOMException('code', 'InvalidAccessError')
    if (reason !== undefined && new TextEncoder().encode(reason).length > 123)
      throw new DOMException('reason', 'SyntaxError')
    this.closes.push({ code, reason })
    this.readyState = Math.max(this.readyState, 2)
  }

  open(protocol = '') {
    this.readyState = 1
    this.protocol = protocol
    this.tell('open')
  }
  message(data: unknown) {
    this.tell('message', { data })
  }
  /** The server's close frame, or the end of the connection without one. */
  end(code?: number, reason = '') {
    this.readyState = 3
    this.tell('close', { code, reason })
  }
  error() {
    this.tell('error')
  }
  private tell(type: string, fields: object = {}) {
    for (const [, listener] of this.#listeners.filter(([of]) => of === type)) {
      try {
        listener({ type, target: this, ...fields })
      } catch (error) {
        this.thrown.push(error)
      }
    }
  }
}

/** A WebSocket class, and the sockets that were created from it. */
export function fakeWebSockets() {
  const sockets: FakeSocket[] = []
  class Counted extends FakeSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols)
      sockets.push(this)
    }
  }
  return { WebSocket: Counted, sockets }
}
